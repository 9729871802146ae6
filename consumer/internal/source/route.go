package source

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"gateway-billing.internal/consumer/internal/source/remoting"
)

// noRouteError says why no name server gave a route, server by server.
type noRouteError struct {
	troubles []string
	// answered: one of them did; absent: it does not know the topic.
	answered, absent bool
}

func (e *noRouteError) Error() string { return strings.Join(e.troubles, "; ") }

// The topic is there, but not to be read; or it is a DLQ to which nothing has been sent yet.
var (
	errNoQueue = errors.New("the topic has no readable queue")
	errNoDLQ   = fmt.Errorf("nothing has been sent there yet: %w", remoting.ErrNoTopic)
)

// route asks the name servers in turn, until one has the topic.
func (s *Source) route(ctx context.Context) (remoting.Route, *noRouteError) {
	none := &noRouteError{}
	for _, addr := range s.options.NameServers {
		route, err := s.routeFrom(ctx, addr)
		if err == nil {
			return route, nil
		}
		none.absent = none.absent || errors.Is(err, remoting.ErrNoTopic)
		_, answer := errors.AsType[*remoting.AnswerError](err)
		none.answered = none.answered || none.absent || answer || errors.Is(err, errNoQueue)
		none.troubles = append(none.troubles, fmt.Sprintf("name server %s: %s", addr, describe(err)))
	}
	return remoting.Route{}, none
}

func (s *Source) routeFrom(ctx context.Context, addr string) (remoting.Route, error) {
	conn, err := remoting.Dial(ctx, addr, s.options.credentials())
	if err != nil {
		return remoting.Route{}, err
	}
	defer func() { _ = conn.Close() }()
	route, err := conn.Route(ctx, s.options.Topic)
	if err == nil && len(route.Queues) == 0 {
		err = errNoQueue
	}
	if !strings.HasPrefix(s.options.Topic, DLQ("")) {
		return route, err
	}
	switch {
	case errors.Is(err, remoting.ErrNoTopic):
		err = fmt.Errorf("there is no %s: %w", s.options.Topic, errNoDLQ)
	case errors.Is(err, errNoQueue):
		err = fmt.Errorf("the DLQ %s may be written only, as older brokers make it: give it permission 6 "+
			"(mqadmin updateTopicPerm -p 6): %w", s.options.Topic, errNoQueue)
	}
	return route, err
}
