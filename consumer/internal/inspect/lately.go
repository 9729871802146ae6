package inspect

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"gateway-billing.internal/consumer/internal/source/remoting"
)

// Topic is where the latest messages are read.
type Topic struct {
	NameServers []string
	Name        string
	// Group is in whose name is asked: nothing is committed, and it has no member more by it.
	Group       string
	Credentials remoting.Credentials
}

// pullMost is how many messages one request asks for.
const pullMost = 32

// Lately reads the last n messages of a topic, over all its queues, the oldest first. Brokers whose master is away are
// left out.
func (t Topic) Lately(ctx context.Context, n int) ([]remoting.Message, error) {
	route, err := remoting.FindRoute(ctx, t.NameServers, t.Name, t.Credentials)
	if err != nil {
		return nil, err
	}
	var all []remoting.Message
	for _, queue := range route.Queues {
		master, ok := route.Masters[queue.Broker]
		if !ok {
			continue
		}
		found, err := t.ofQueue(ctx, master, queue.ID, n)
		if err != nil {
			return nil, fmt.Errorf("topic %s, broker %s, queue %d: %w", t.Name, queue.Broker, queue.ID, err)
		}
		all = append(all, found...)
	}
	slices.SortStableFunc(all, func(a, b remoting.Message) int {
		return cmp.Or(a.StoreTime.Compare(b.StoreTime), cmp.Compare(a.MsgID, b.MsgID))
	})
	return all[max(0, len(all)-n):], nil
}

// ofQueue reads the last n messages of a queue.
func (t Topic) ofQueue(ctx context.Context, addr string, queue, n int) (all []remoting.Message, err error) {
	conn, err := remoting.Dial(ctx, addr, t.Credentials)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	end, err := conn.MaxOffset(ctx, t.Name, queue)
	if err != nil {
		return nil, err
	}
	first, err := conn.MinOffset(ctx, t.Name, queue)
	if err != nil {
		return nil, err
	}
	for at := max(first, end-int64(n), 0); at < end; {
		pulled, err := conn.Pull(ctx, remoting.PullRequest{Group: t.Group, Topic: t.Name, Tag: "*", Queue: queue, Offset: at, Max: pullMost})
		if err != nil {
			return nil, err
		}
		all = append(all, pulled.Messages...)
		if pulled.Next <= at {
			break
		}
		at = pulled.Next
	}
	return all, nil
}
