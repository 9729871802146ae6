package source

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"gateway-billing.internal/consumer/internal/source/remoting"
)

// Progress says how far a group has recorded a topic, at one moment: the whole group, whoever its members are.
type Progress struct {
	// Asked is when the question was put (UTC), by this machine's clock.
	Asked time.Time
	// Queues are those of the topic, then those of the group's retry topic where there is one (RetryTopic), of all brokers that
	// the name server tells of, by broker and number. A broker that has been away for longer than the name server remembers it
	// (two minutes) is not among them, nor is what was given back to a broker and waits there for the time of its redelivery:
	// until then it is in no queue of the group's.
	Queues []QueueProgress
}

// QueueProgress is one queue. What lies below Committed is recorded; the client tells the broker so every 5 s.
type QueueProgress struct {
	Topic  string
	Broker string
	Queue  int
	// Min and Max are the first offset that the broker has and the one that its next message will get.
	Min, Max int64
	// Committed is the group's offset, -1 when it never committed any.
	Committed int64
	// Next is the first offset that is not known to be recorded: Committed, or Min where that is higher.
	Next int64
	// Oldest is when the broker stored the message at Next (UTC, by the broker's clock); zero when there is none.
	Oldest time.Time
}

// Unrecorded is how many messages of the queue are not known to be recorded.
func (q QueueProgress) Unrecorded() int64 { return max(q.Max-q.Next, 0) }

// settling is by how much a queue without unrecorded messages is trusted less than to the moment of the question: a
// broker shows a message some milliseconds after it stored it, and its clock is another one.
const settling = 2 * time.Second

// CompleteUntil is a time such that every message that a broker stored before it is recorded: the earliest store time of
// what is not, and shortly before the question was put where nothing is left. It is the broker's time of the message,
// not the gateway's of the request. Clocks that differ by more than 2 s make it wrong by that much.
func (p Progress) CompleteUntil() time.Time {
	until := p.Asked.Add(-settling)
	for _, q := range p.Queues {
		if q.Unrecorded() > 0 && q.Oldest.Before(until) {
			until = q.Oldest
		}
	}
	return until
}

// ErrNoTopic is a topic that a name server does not know. One that nobody may read is there, and may hold messages.
var ErrNoTopic = errors.New("there is no such topic")

// AskProgress asks name servers and brokers how far the group is, as nobody's member; a question or two to each queue of the topic
// and of the group's retry topic, which every member reads whether it gives anything back or not: there lies what others gave
// back before. Of the options the name servers, topic, tag, group and credentials count. It is an error when any queue is not
// known, for then neither is what CompleteUntil says.
func AskProgress(ctx context.Context, options Options) (Progress, error) {
	options = options.withDefaults()
	if err := options.validate(); err != nil {
		return Progress{}, err
	}
	p := Progress{Asked: time.Now().UTC()}
	var err error
	if p.Queues, err = askQueues(ctx, options); err != nil {
		return Progress{}, err
	}
	options.Topic, options.Tag = RetryTopic(options.Group), "*"
	given, err := askQueues(ctx, options)
	if err != nil && !errors.Is(err, ErrNoTopic) { // a group that nothing was given back of has none
		return Progress{}, fmt.Errorf("%s: %w", options.Topic, err)
	}
	p.Queues = append(p.Queues, given...)
	return p, nil
}

// askQueues asks for the queues of one topic.
func askQueues(ctx context.Context, options Options) ([]QueueProgress, error) {
	s := &Source{options: options}
	found := s.survey(ctx, remoting.Route{}, nil)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if found.noRoute != nil && found.noRoute.absent {
		return nil, fmt.Errorf("%w: %s", ErrNoTopic, options.hide(found.noRoute.Error()))
	}
	if len(found.route.Hidden) > 0 {
		return nil, fmt.Errorf("broker %s: has queues of the topic that may not be read", found.route.Hidden[0])
	}
	if reasons := found.reasons(); len(reasons) > 0 {
		return nil, errors.New(options.hide(strings.Join(reasons, "; ")))
	}
	var queues []QueueProgress
	for _, q := range found.route.Queues {
		at := found.queues[q]
		if at.committed > at.max {
			return nil, fmt.Errorf("broker %s: queue %d ends at offset %d, before %d, where the group stands: it lost messages, and what it takes now may be passed over",
				q.Broker, q.ID, at.max, at.committed)
		}
		if at.next < at.max && at.oldest.IsZero() {
			return nil, fmt.Errorf("broker %s: its message at offset %d of queue %d can't be read now", q.Broker, at.next, q.ID)
		}
		queues = append(queues, QueueProgress{
			Topic: options.Topic, Broker: q.Broker, Queue: q.ID,
			Min: at.min, Max: at.max, Committed: at.committed, Next: at.next, Oldest: at.oldest,
		})
	}
	return queues, nil
}
