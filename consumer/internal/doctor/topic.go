package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"gateway-billing.internal/consumer/internal/source/remoting"
)

// Brokers is where the topics of the loggers are looked for.
type Brokers struct {
	NameServers []string
	Credentials remoting.Credentials
}

// Topics looks for the topics that the loggers of a site send to: whether they are there, and whether they may be written
// to and read.
func (b Brokers) Topics(ctx context.Context, s *Site) []Finding {
	r := &report{}
	var topics []string
	for _, logger := range s.bindings(loggerName) {
		if topic := logger.conf.text("topic"); topic != "" && !slices.Contains(topics, topic) {
			topics = append(topics, topic)
		}
	}
	slices.Sort(topics)
	for _, topic := range topics {
		b.topic(ctx, r, topic)
	}
	return r.sorted()
}

func (b Brokers) topic(ctx context.Context, r *report, topic string) {
	at := "topic " + topic
	missing := true
	for _, addr := range b.NameServers {
		route, err := b.route(ctx, addr, topic)
		switch {
		case errors.Is(err, remoting.ErrNoTopic):
			continue
		case err != nil:
			r.add("name_server_away", "name server "+addr, err.Error())
			missing = false // nobody knows
			continue
		}
		missing = false
		if len(route.Queues) == 0 {
			r.add("topic_not_writable", at, "no queue of it may be read")
		}
		for name, permission := range route.Permissions {
			if !permission.Write {
				r.add("topic_not_writable", at, fmt.Sprintf("broker %s lets nobody write to it", name))
			}
		}
	}
	if missing {
		r.add("topic_missing", at, "no name server knows it")
	}
}

func (b Brokers) route(ctx context.Context, addr, topic string) (remoting.Route, error) {
	conn, err := remoting.Dial(ctx, addr, b.Credentials)
	if err != nil {
		return remoting.Route{}, err
	}
	defer conn.Close()
	return conn.Route(ctx, topic)
}
