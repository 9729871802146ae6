package remoting

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
)

// Queue names one queue of a topic.
type Queue struct {
	Broker string
	ID     int
}

// Route says where a topic's readable queues are.
type Route struct {
	// Queues are sorted by broker, then number.
	Queues []Queue
	// Masters maps a broker's name to host:port of its master; a broker whose master is away is absent.
	Masters map[string]string
	// Permissions says what each broker lets clients do with the topic; a queue that may not be read is not in Queues.
	Permissions map[string]Permission
	// Hidden are the brokers that have, or take, messages in queues that may not be read.
	Hidden []string
}

// Brokers are the names of those whose queues can be read, sorted.
func (r Route) Brokers() []string {
	var names []string
	for _, q := range r.Queues {
		if len(names) == 0 || names[len(names)-1] != q.Broker {
			names = append(names, q.Broker)
		}
	}
	return names
}

// Permission is what a broker lets clients do with a topic.
type Permission struct{ Read, Write bool }

const (
	permWrite = 2
	permRead  = 4
)

// numericKey finds the object keys that older name servers write without quotes: {0:"10.0.0.1:10911"}.
var numericKey = regexp.MustCompile(`([{,])(\d+):`)

// Route asks a name server where the topic is. The error is ErrNoTopic when it does not know.
func (c *Conn) Route(ctx context.Context, topic string) (Route, error) {
	h, body, err := c.call(ctx, reqRouteByTopic, map[string]string{"topic": topic, "acceptStandardJsonOnly": "true"})
	switch {
	case err != nil:
		return Route{}, err
	case h.Code == codeTopicNotExist:
		return Route{}, ErrNoTopic
	case h.Code != codeSuccess:
		return Route{}, answerError(h)
	}
	return decodeRoute(body)
}

// FindRoute asks the name servers in turn until one knows the topic. The error says why none did, server by server.
func FindRoute(ctx context.Context, addrs []string, topic string, creds Credentials) (Route, error) {
	var errs []error
	for _, addr := range addrs {
		route, err := routeFrom(ctx, addr, topic, creds)
		if err == nil {
			return route, nil
		}
		errs = append(errs, fmt.Errorf("name server %s: %w", addr, err))
	}
	return Route{}, errors.Join(errs...)
}

func routeFrom(ctx context.Context, addr, topic string, creds Credentials) (Route, error) {
	conn, err := Dial(ctx, addr, creds)
	if err != nil {
		return Route{}, err
	}
	defer func() { _ = conn.Close() }()
	route, err := conn.Route(ctx, topic)
	if err == nil && len(route.Queues) == 0 {
		err = errors.New("the topic has no readable queue")
	}
	return route, err
}

func decodeRoute(body []byte) (Route, error) {
	var data struct {
		QueueDatas []struct {
			BrokerName     string `json:"brokerName"`
			ReadQueueNums  int    `json:"readQueueNums"`
			WriteQueueNums int    `json:"writeQueueNums"`
			Perm           int    `json:"perm"`
		} `json:"queueDatas"`
		BrokerDatas []struct {
			BrokerName  string            `json:"brokerName"`
			BrokerAddrs map[string]string `json:"brokerAddrs"`
		} `json:"brokerDatas"`
	}
	if err := json.Unmarshal(numericKey.ReplaceAll(body, []byte(`$1"$2":`)), &data); err != nil {
		return Route{}, fmt.Errorf("decode route: %w", err)
	}
	route := Route{Masters: map[string]string{}, Permissions: map[string]Permission{}}
	for _, q := range data.QueueDatas {
		if q.Perm&permRead == 0 || q.WriteQueueNums > q.ReadQueueNums {
			route.Hidden = append(route.Hidden, q.BrokerName)
		}
		route.Permissions[q.BrokerName] = Permission{Read: q.Perm&permRead != 0, Write: q.Perm&permWrite != 0}
		if q.Perm&permRead == 0 {
			continue
		}
		for id := range q.ReadQueueNums {
			route.Queues = append(route.Queues, Queue{Broker: q.BrokerName, ID: id})
		}
	}
	for _, b := range data.BrokerDatas {
		if addr := b.BrokerAddrs["0"]; addr != "" {
			route.Masters[b.BrokerName] = addr
		}
	}
	slices.SortFunc(route.Queues, func(a, b Queue) int {
		return cmp.Or(cmp.Compare(a.Broker, b.Broker), cmp.Compare(a.ID, b.ID))
	})
	return route, nil
}
