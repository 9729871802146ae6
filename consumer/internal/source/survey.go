package source

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gateway-billing.internal/consumer/internal/source/remoting"
)

// survey is what name servers and brokers say of the topic, the group and the credentials.
type survey struct {
	route  remoting.Route
	queues map[remoting.Queue]queueOffsets
	// troubles are by broker name.
	troubles map[string]string
}

// queueOffsets are the broker's word on one queue.
type queueOffsets struct {
	min, max int64
	// committed is remoting.NoOffset when the group never committed.
	committed int64
}

// usable: at least one broker of the topic answers and lets us pull.
func (v survey) usable() bool { return len(v.troubles) < len(brokerNames(v.route)) }

func (v survey) reasons() string {
	var out []string
	for _, broker := range slices.Sorted(maps.Keys(v.troubles)) {
		out = append(out, fmt.Sprintf("broker %s: %s", broker, v.troubles[broker]))
	}
	return strings.Join(out, "; ")
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

// survey asks a name server for the route and each broker for its queues, all of them or those that wanted names.
func (s *Source) survey(ctx context.Context, wanted func(remoting.Queue) bool) (survey, error) {
	route, err := s.route(ctx)
	if err != nil {
		return survey{}, err
	}
	found := survey{route: route, queues: map[remoting.Queue]queueOffsets{}, troubles: map[string]string{}}
	for _, broker := range brokerNames(route) {
		if err := s.surveyBroker(ctx, found, broker, wanted); err != nil {
			found.troubles[broker] = describe(err)
		}
	}
	return found, ctx.Err()
}

// route asks the name servers in turn. An error of one that answers counts for more than that of one that does not.
func (s *Source) route(ctx context.Context) (remoting.Route, error) {
	var errs []error
	for _, addr := range s.options.NameServers {
		conn, err := remoting.Dial(ctx, addr, s.options.credentials())
		if err != nil {
			errs = append(errs, fmt.Errorf("name server %s: %w", addr, err))
			continue
		}
		route, err := conn.Route(ctx, s.options.Topic)
		_ = conn.Close()
		if err != nil {
			errs = append(errs, fmt.Errorf("name server %s: %s", addr, describe(err)))
			continue
		}
		if len(route.Queues) == 0 {
			errs = append(errs, fmt.Errorf("name server %s: the topic has no readable queue", addr))
			continue
		}
		return route, nil
	}
	return remoting.Route{}, errors.Join(errs...)
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
			if err := conn.TryPull(ctx, s.options.Group, s.options.Topic, q.ID, offsets.max); err != nil {
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

func (o Options) credentials() remoting.Credentials {
	return remoting.Credentials{AccessKey: o.AccessKey, SecretKey: o.SecretKey, SecurityToken: o.SecurityToken}
}

// describe says in words what an operator can act on.
func describe(err error) string {
	if remoting.Denied(err) {
		return fmt.Sprintf("refuses these credentials (AccessKey, SecretKey) or their permission to read the topic as "+
			"this group: %v", err)
	}
	return err.Error()
}
