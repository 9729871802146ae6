package source

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"

	"gateway-billing.internal/consumer/internal/source/remoting"
)

// survey is what name servers and brokers say of the topic, the group and the credentials.
type survey struct {
	route  remoting.Route
	queues map[remoting.Queue]queueOffsets
	// noRoute says why no name server gave a route just now; the route is an earlier one then.
	noRoute string
	// troubles are by broker name.
	troubles map[string]string
}

// queueOffsets are the broker's word on one queue.
type queueOffsets struct {
	min, max int64
	// committed is remoting.NoOffset when the group never committed.
	committed int64
}

// usable: there is a route, and at least one broker of the topic answers and lets us pull.
func (v survey) usable() bool {
	return v.noRoute == "" && len(v.troubles) < len(brokerNames(v.route))
}

// reasons are what is wrong; empty when all is well.
func (v survey) reasons() []string {
	var out []string
	if v.noRoute != "" {
		out = append(out, v.noRoute)
	}
	for _, broker := range slices.Sorted(maps.Keys(v.troubles)) {
		out = append(out, fmt.Sprintf("broker %s (%s): %s", broker, v.route.Masters[broker], v.troubles[broker]))
	}
	return out
}

func brokerNames(route remoting.Route) []string {
	var names []string
	for _, q := range route.Queues { // sorted by broker
		if len(names) == 0 || names[len(names)-1] != q.Broker {
			names = append(names, q.Broker)
		}
	}
	return names
}

// survey asks a name server for the route and each broker for its queues, all of them or those that wanted names. While
// no name server answers, the brokers of the known route are asked: the client goes on with them too.
func (s *Source) survey(ctx context.Context, known remoting.Route, wanted func(remoting.Queue) bool) survey {
	found := survey{queues: map[remoting.Queue]queueOffsets{}, troubles: map[string]string{}}
	if found.route, found.noRoute = s.route(ctx); found.noRoute != "" {
		found.route = known
	}
	for _, broker := range brokerNames(found.route) {
		if err := s.surveyBroker(ctx, found, broker, wanted); err != nil {
			found.troubles[broker] = describe(err)
		}
	}
	return found
}

// route asks the name servers in turn, until one has the topic. Otherwise it says why, server by server.
func (s *Source) route(ctx context.Context) (route remoting.Route, trouble string) {
	var troubles []string
	for _, addr := range s.options.NameServers {
		route, err := s.routeFrom(ctx, addr)
		if err == nil {
			return route, ""
		}
		troubles = append(troubles, fmt.Sprintf("name server %s: %s", addr, describe(err)))
	}
	return remoting.Route{}, strings.Join(troubles, "; ")
}

func (s *Source) routeFrom(ctx context.Context, addr string) (remoting.Route, error) {
	conn, err := remoting.Dial(ctx, addr, s.options.credentials())
	if err != nil {
		return remoting.Route{}, err
	}
	defer func() { _ = conn.Close() }()
	route, err := conn.Route(ctx, s.options.Topic)
	if err == nil && len(route.Queues) == 0 {
		err = errors.New("the topic has no readable queue")
		if strings.HasPrefix(s.options.Topic, DLQ("")) {
			err = fmt.Errorf("the DLQ %s may be written only, as older brokers make it: give it permission 6 "+
				"(mqadmin updateTopicPerm -p 6)", s.options.Topic)
		}
	}
	if errors.Is(err, remoting.ErrNoTopic) && strings.HasPrefix(s.options.Topic, DLQ("")) {
		err = fmt.Errorf("there is no %s: nothing has been sent there yet", s.options.Topic)
	}
	return route, err
}

func (s *Source) surveyBroker(ctx context.Context, found survey, broker string, wanted func(remoting.Queue) bool) error {
	addr := found.route.Masters[broker]
	if addr == "" {
		return errors.New("its master is not registered")
	}
	conn, err := remoting.Dial(ctx, addr, s.options.credentials())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	tried := false
	for _, q := range found.route.Queues {
		if q.Broker != broker || (tried && wanted != nil && !wanted(q)) {
			continue
		}
		offsets, err := s.surveyQueue(ctx, conn, q.ID)
		if err != nil {
			return err
		}
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

func (s *Source) surveyQueue(ctx context.Context, conn *remoting.Conn, queue int) (o queueOffsets, err error) {
	if o.max, err = conn.MaxOffset(ctx, s.options.Topic, queue); err != nil {
		return o, err
	}
	if o.min, err = conn.MinOffset(ctx, s.options.Topic, queue); err != nil {
		return o, err
	}
	o.committed, err = conn.Committed(ctx, s.options.Group, s.options.Topic, queue)
	return o, err
}

// removeCommitted takes those queues away whose positions their brokers have.
func (s *Source) removeCommitted(ctx context.Context, route remoting.Route, owned map[remoting.Queue]ownedQueue) {
	for _, broker := range brokerNames(route) {
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
