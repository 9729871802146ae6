package source

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"time"

	"gateway-billing.internal/consumer/internal/source/remoting"
)

// survey is what name servers and brokers say of the topic, the group and the credentials.
type survey struct {
	route  remoting.Route
	queues map[remoting.Queue]queueOffsets
	// noRoute says why no name server gave a route just now; the route is an earlier one then.
	noRoute *noRouteError
	// troubles are by broker name.
	troubles map[string]string
}

// queueOffsets are the broker's word on one queue.
type queueOffsets struct {
	min, max int64
	// committed is remoting.NoOffset when the group never committed.
	committed int64
	// next is the first offset that is not known to be recorded, as far as the broker or this process knows; oldest is
	// when the message there was stored, zero when there is none or it can't be read just now.
	next   int64
	oldest time.Time
	// asked is when, retention how long the broker keeps a message, 0 where it does not say.
	asked     time.Time
	retention time.Duration
}

// usable: there is a route, and at least one broker of the topic answers and lets us pull.
func (v survey) usable() bool {
	return v.noRoute == nil && len(v.troubles) < len(v.route.Brokers())
}

// reasons are what is wrong; empty when all is well.
func (v survey) reasons() []string {
	var out []string
	if v.noRoute != nil {
		out = append(out, v.noRoute.Error())
	}
	for _, broker := range slices.Sorted(maps.Keys(v.troubles)) {
		out = append(out, fmt.Sprintf("broker %s (%s): %s", broker, v.route.Masters[broker], v.troubles[broker]))
	}
	return out
}

// survey asks a name server for the route and each broker for its queues: those that this process owns, or all when owned
// is nil. While no name server answers, the brokers of the known route are asked: the client goes on with them too.
func (s *Source) survey(ctx context.Context, known remoting.Route, owned map[remoting.Queue]ownedQueue) survey {
	found := survey{queues: map[remoting.Queue]queueOffsets{}, troubles: map[string]string{}}
	if found.route, found.noRoute = s.route(ctx); found.noRoute != nil {
		found.route = known
	}
	for _, broker := range found.route.Brokers() {
		if err := s.surveyBroker(ctx, found, broker, owned); err != nil {
			found.troubles[broker] = describe(err)
		}
	}
	return found
}

func (s *Source) surveyBroker(ctx context.Context, found survey, broker string, owned map[remoting.Queue]ownedQueue) error {
	addr := found.route.Masters[broker]
	if addr == "" {
		return errors.New("its master is not registered")
	}
	conn, err := remoting.Dial(ctx, addr, s.options.credentials())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	retention := s.retention.of(ctx, broker, conn)
	tried := false
	for _, q := range found.route.Queues {
		own, isOwned := owned[q]
		if q.Broker != broker || (tried && owned != nil && !isOwned) {
			continue
		}
		acked := int64(remoting.NoOffset)
		if isOwned {
			acked = own.committed
		}
		offsets, err := s.surveyQueue(ctx, conn, q.ID, acked)
		if err != nil {
			return err
		}
		offsets.retention = retention
		found.queues[q] = offsets
		if !tried {
			tried = true
			if err := conn.TryPull(ctx, s.options.Group, s.options.Topic, s.options.Tag, q.ID, offsets.max); err != nil {
				return err
			}
		}
	}
	return nil
}

// surveyQueue asks for one queue. acked is how far this process has acknowledged it, remoting.NoOffset when it does not
// know; the broker learns it some seconds later.
func (s *Source) surveyQueue(ctx context.Context, conn *remoting.Conn, queue int, acked int64) (o queueOffsets, err error) {
	o.asked = time.Now()
	if o.max, err = conn.MaxOffset(ctx, s.options.Topic, queue); err != nil {
		return o, err
	}
	if o.min, err = conn.MinOffset(ctx, s.options.Topic, queue); err != nil {
		return o, err
	}
	if o.committed, err = conn.Committed(ctx, s.options.Group, s.options.Topic, queue); err != nil {
		return o, err
	}
	if o.committed > o.max { // by what came meanwhile, or the broker lost what it had
		if o.max, err = conn.MaxOffset(ctx, s.options.Topic, queue); err != nil {
			return o, err
		}
	}
	o.next = max(acked, o.min)
	if acked == remoting.NoOffset {
		o.next = max(o.committed, o.min)
	}
	if o.next >= o.max {
		return o, nil
	}
	o.oldest, err = s.storeTime(ctx, conn, queue, o.next)
	return o, err
}

// storeTime is when the broker stored the message at an offset, of whatever tag; zero when it can't be read just now. The
// message itself is thrown away.
func (s *Source) storeTime(ctx context.Context, conn *remoting.Conn, queue int, at int64) (time.Time, error) {
	// A broker that is just deleting the oldest file names the place where to go on.
	for range 3 {
		pulled, err := conn.Pull(ctx, remoting.PullRequest{
			Group: s.options.Group, Topic: s.options.Topic, Tag: "*", Queue: queue, Offset: at, Max: 1,
		})
		if err != nil {
			return time.Time{}, err
		}
		if len(pulled.Messages) > 0 {
			return pulled.Messages[0].StoreTime, nil
		}
		at = pulled.Next
	}
	return time.Time{}, nil
}

// removeCommitted takes those queues away whose positions their brokers have.
func (s *Source) removeCommitted(ctx context.Context, route remoting.Route, owned map[remoting.Queue]ownedQueue) {
	for _, broker := range route.Brokers() {
		conn, err := remoting.Dial(ctx, route.Masters[broker], s.options.credentials())
		if err != nil {
			continue
		}
		for q, own := range owned {
			if q.Broker != broker {
				continue
			}
			if at, err := conn.Committed(ctx, s.options.Group, s.options.Topic, q.ID); err == nil && at >= own.committed {
				delete(owned, q)
			}
		}
		_ = conn.Close()
	}
}

func (o Options) credentials() remoting.Credentials {
	return remoting.Credentials{AccessKey: o.AccessKey, SecretKey: o.SecretKey, SecurityToken: o.SecurityToken}
}

// describe says in words what an operator can act on, the same words for the same trouble.
func describe(err error) string {
	var network *net.OpError
	switch {
	case remoting.Denied(err):
		return fmt.Sprintf("refuses these credentials (AccessKey, SecretKey) or their permission to read the topic as "+
			"this group: %v", err)
	case errors.As(err, &network): // without the local port, which is another one each time
		return fmt.Sprintf("%s: %v", network.Op, network.Err)
	default:
		return err.Error()
	}
}
