package topicrange

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"gateway-billing.internal/consumer/internal/replay"
	"gateway-billing.internal/consumer/internal/source/remoting"
)

// locate finds where the stretch lies in a queue, and what of it may have expired.
func (r *Reader) locate(ctx context.Context, l *lane, positions map[string]replay.Position) error {
	conn, err := r.connect(ctx, l)
	if err != nil {
		return err
	}
	topic, queue := r.options.Topic, l.queue.ID
	oldest, err := conn.MinOffset(ctx, topic, queue)
	if err != nil {
		return err
	}
	if l.end, err = conn.MaxOffset(ctx, topic, queue); err != nil {
		return err
	}
	first, err := conn.SearchOffset(ctx, topic, queue, r.options.From.Add(-clockMargin))
	if err != nil {
		return err
	}
	last, err := conn.SearchOffset(ctx, topic, queue, r.options.To.Add(clockMargin))
	if err != nil {
		return err
	}
	l.first = min(max(first, oldest), l.end)
	l.likely = min(max(last, l.first), l.end)
	l.next = l.first
	position, resumed := positions[l.name()]
	if resumed {
		l.next = min(max(position.Next, l.first), l.end)
	}
	switch {
	case oldest == 0: // nothing has expired
		return nil
	case resumed:
		if position.Next < oldest {
			r.note("queue %s: its messages from offset %d to %d have expired since the last run; they were not read", l.name(), position.Next, oldest-1)
		}
		return nil
	}
	return r.noteExpired(ctx, conn, l, oldest)
}

// noteExpired notes when messages of the stretch may have expired: the oldest one left is younger than the beginning.
func (r *Reader) noteExpired(ctx context.Context, conn *remoting.Conn, l *lane, oldest int64) error {
	pulled, err := conn.Pull(ctx, remoting.PullRequest{
		Group: r.options.Group, Topic: r.options.Topic, Tag: "*", Queue: l.queue.ID, Offset: oldest, Max: 1,
	})
	if err != nil {
		return err
	}
	switch {
	case len(pulled.Messages) == 0:
		r.note("queue %s: all before offset %d has expired; messages of the stretch may have been among it", l.name(), oldest)
	case pulled.Messages[0].StoreTime.After(r.options.From):
		r.note("queue %s: the oldest message left was stored at %s; what the stretch had before has expired", l.name(),
			pulled.Messages[0].StoreTime.Format(time.RFC3339))
	}
	return nil
}

// fetch pulls what comes next in a queue, and tries until the broker answers or ctx ends.
func (r *Reader) fetch(ctx context.Context, l *lane) error {
	delay := minRetry
	told := false
	for {
		err := r.pull(ctx, l)
		if err == nil {
			if told {
				r.options.Say(fmt.Sprintf("broker %s answers again", l.queue.Broker))
			}
			return nil
		}
		r.Close()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if remoting.Denied(err) || errors.Is(err, remoting.ErrNoGroup) {
			return fmt.Errorf("queue %s: %w", l.name(), err)
		}
		if !told {
			told = true
			r.options.Say(fmt.Sprintf("queue %s: waiting for broker %s: %v", l.name(), l.queue.Broker, err))
		}
		timer := time.NewTimer(delay)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
		delay = min(2*delay, maxRetry)
	}
}

func (r *Reader) pull(ctx context.Context, l *lane) error {
	conn, err := r.connect(ctx, l)
	if err != nil {
		return err
	}
	pulled, err := conn.Pull(ctx, remoting.PullRequest{
		Group: r.options.Group, Topic: r.options.Topic, Tag: r.options.Tag, Queue: l.queue.ID, Offset: l.next, Max: pullMessages,
	})
	if err != nil {
		return err
	}
	for _, m := range pulled.Messages {
		if m.Offset >= l.next && m.Offset < l.end {
			r.waiting = append(r.waiting, m)
		}
	}
	switch {
	case len(r.waiting) > 0:
	case pulled.Next > l.next:
		if pulled.Moved {
			r.note("queue %s: the messages from offset %d to %d have expired; they were not read", l.name(), l.next, min(pulled.Next, l.end)-1)
		}
		r.moveTo(l, min(pulled.Next, l.end))
	default:
		return errNoProgress
	}
	return nil
}

// connect is the connection to the queue's broker. Where nothing answers at its address, another may be its master by now.
func (r *Reader) connect(ctx context.Context, l *lane) (*remoting.Conn, error) {
	if r.conn != nil && r.broker == l.queue.Broker {
		return r.conn, nil
	}
	r.Close()
	conn, err := remoting.Dial(ctx, l.address, r.options.Credentials)
	if err != nil {
		if route, found := remoting.FindRoute(ctx, r.options.NameServers, r.options.Topic, r.options.Credentials); found == nil {
			l.address = cmp.Or(route.Masters[l.queue.Broker], l.address)
		}
		return nil, err
	}
	r.conn, r.broker = conn, l.queue.Broker
	return conn, nil
}
