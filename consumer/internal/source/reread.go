package source

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/apache/rocketmq-client-go/v2/primitive"

	"gateway-billing.internal/consumer/internal/source/remoting"
)

// Reread reads a topic again by the time at which the broker stored its messages, apart from the group: it commits no
// offset and joins nothing, so whatever the group reads goes on. It uses the group's name and credentials alone. Not for
// concurrent use.
type Reread struct {
	source *Source
	conns  map[string]*remoting.Conn // by broker
	tags   []string                  // nil for all
}

// Span is what was stored from a time on in one queue: offsets from First on, before End.
type Span struct {
	Broker     string
	Queue      int
	First, End int64
	// Expired: the broker has nothing any more from the beginning of that time.
	Expired bool
}

const (
	// rereadPull is how many messages one pull asks for.
	rereadPull = 64
	// rereadSlack is how many messages before the place that the broker names for a time are looked at too, since it
	// names any of those that were stored in that ms.
	rereadSlack = 256
)

// NewReread checks the options.
func NewReread(o Options) (*Reread, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, err
	}
	r := &Reread{source: &Source{options: o}, conns: map[string]*remoting.Conn{}}
	for tag := range strings.SplitSeq(o.Tag, "||") {
		if tag = strings.TrimSpace(tag); tag == "*" {
			r.tags = nil
			break
		}
		r.tags = append(r.tags, tag)
	}
	return r, nil
}

// Close closes the connections.
func (r *Reread) Close() {
	for broker := range r.conns {
		r.drop(broker)
	}
}

func (r *Reread) drop(broker string) {
	if conn := r.conns[broker]; conn != nil {
		_ = conn.Close()
		delete(r.conns, broker)
	}
}

// conn is the connection to a broker. After an error it must be dropped.
func (r *Reread) conn(ctx context.Context, broker string) (*remoting.Conn, error) {
	if conn := r.conns[broker]; conn != nil {
		return conn, nil
	}
	route, trouble := r.source.route(ctx)
	if trouble != "" {
		return nil, errors.New(trouble)
	}
	addr := route.Masters[broker]
	if addr == "" {
		return nil, fmt.Errorf("broker %s: its master is not registered", broker)
	}
	conn, err := remoting.Dial(ctx, addr, r.source.options.credentials())
	if err == nil {
		r.conns[broker] = conn
	}
	return conn, err
}

// Spans finds in every queue of every broker what was stored from a time on. What is stored after the call is not in it.
func (r *Reread) Spans(ctx context.Context, from time.Time) ([]Span, error) {
	route, trouble := r.source.route(ctx)
	if trouble != "" {
		return nil, errors.New(trouble)
	}
	spans := make([]Span, 0, len(route.Queues))
	for _, q := range route.Queues {
		span, err := r.span(ctx, q, from)
		if err != nil {
			r.drop(q.Broker)
			return nil, fmt.Errorf("broker %s, queue %d: %w", q.Broker, q.ID, err)
		}
		spans = append(spans, span)
	}
	return spans, nil
}

func (r *Reread) span(ctx context.Context, q remoting.Queue, from time.Time) (Span, error) {
	span := Span{Broker: q.Broker, Queue: q.ID}
	conn, err := r.conn(ctx, q.Broker)
	if err != nil {
		return span, err
	}
	topic := r.source.options.Topic
	oldest, err := conn.MinOffset(ctx, topic, q.ID)
	if err != nil {
		return span, err
	}
	end, err := conn.MaxOffset(ctx, topic, q.ID)
	if err != nil {
		return span, err
	}
	first, err := conn.OffsetAt(ctx, topic, q.ID, from)
	if err != nil {
		return span, err
	}
	span.First, span.End = max(oldest, first-rereadSlack), end
	if oldest > 0 && oldest < end {
		// Whether what is gone was of the range shows by the oldest that is left.
		pulled, err := conn.Pull(ctx, r.source.options.Group, topic, "*", q.ID, oldest, 1)
		if err != nil {
			return span, err
		}
		span.Expired = len(pulled.Messages) == 0 || !stored(pulled.Messages[0]).Before(from)
	} else {
		span.Expired = oldest > 0
	}
	return span, nil
}

// Read reads a span's messages from an offset on, those that were stored in [from, to). next is where to go on; it
// reaches the span's End when nothing is left. The error is the network's or the broker's: the same call may be made
// again.
func (r *Reread) Read(ctx context.Context, span Span, at int64, from, to time.Time) (messages []Message, next int64, err error) {
	conn, err := r.conn(ctx, span.Broker)
	if err != nil {
		return nil, at, err
	}
	o := r.source.options
	pulled, err := conn.Pull(ctx, o.Group, o.Topic, o.Tag, span.Queue, at, rereadPull)
	if err != nil {
		r.drop(span.Broker)
		return nil, at, err
	}
	if pulled.Next <= at { // nothing is there any more
		return nil, span.End, nil
	}
	for _, msg := range pulled.Messages {
		switch {
		case msg.QueueOffset >= span.End:
		case !stored(msg).Before(to.Add(time.Minute)): // later ones are later still, give or take a clock
			return messages, span.End, nil
		case stored(msg).Before(from), !stored(msg).Before(to):
		case r.tags != nil && !slices.Contains(r.tags, msg.GetTags()): // the broker compares hashes
		default:
			msg.Queue = &primitive.MessageQueue{Topic: o.Topic, BrokerName: span.Broker, QueueId: span.Queue}
			messages = append(messages, message(msg))
		}
	}
	return messages, min(pulled.Next, span.End), nil
}

func stored(msg *primitive.MessageExt) time.Time { return time.UnixMilli(msg.StoreTimestamp) }
