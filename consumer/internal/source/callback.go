package source

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/hooks"
	"github.com/apache/rocketmq-client-go/v2/primitive"

	"gateway-billing.internal/consumer/internal/record"
)

// consume is the client's callback for the messages of one pull. It has two ends only: ConsumeSuccess when all of them are
// recorded, and RetryLater when the client is known to ignore it (its queue was dropped, or the client was shut down).
// Until one of them it blocks: that is what "held" means, and it is never an error for the client, which would send the
// messages back, count a redelivery, and lose them where the broker refuses.
func (s *session) consume(_ context.Context, msgs ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
	size := 0
	for _, msg := range msgs {
		// By this property the client finds messages that take too long and sends them back while they are worked on.
		msg.RemoveProperty(primitive.PropertyConsumeStartTime)
		size += len(msg.Body)
		s.observer.MessageReceived(len(msg.Body))
	}
	from, turn := s.holdings.enter(msgs, size)
	defer s.holdings.leave(from, len(msgs), size)

	if s.record(from, turn, msgs) {
		s.holdings.ack(from, msgs[len(msgs)-1].QueueOffset)
		for range msgs {
			s.observer.MessageAcked()
		}
		return consumer.ConsumeSuccess, nil
	}
	s.holdings.wait(from, len(msgs))
	select {
	case <-from.dropped:
	case <-s.closed:
	}
	for _, msg := range msgs {
		msg.Body = nil // the client never lets go of its table of messages
	}
	return consumer.ConsumeRetryLater, nil
}

// record waits for the pull's turn in its queue and lets the handler record its messages, part by part. false: one of them
// is not recorded, and the pull is to be held. A drain does not come between two parts: what it left of a pull would have
// the other parts read again.
func (s *session) record(from *assignment, turn turn, msgs []*primitive.MessageExt) bool {
	select {
	case <-turn.before:
	case <-s.gate.closing:
		return false
	case <-from.dropped:
		return false
	}
	if !s.gate.enter(len(msgs)) {
		return false
	}
	defer s.gate.leave(len(msgs))
	recorded := true
	for len(msgs) > 0 {
		part, rest := s.split(msgs)
		admitted, ok := s.recordPart(from, part, func() {
			if len(rest) == 0 {
				close(turn.gone)
			}
		})
		if !admitted {
			return false
		}
		recorded = recorded && ok
		msgs = rest
	}
	return recorded
}

// partBytes is about how much of a pull goes to the handler at once.
const partBytes = 1 << 20

// split takes from the front what goes to the handler at once.
func (s *session) split(msgs []*primitive.MessageExt) (part, rest []*primitive.MessageExt) {
	bytes := 0
	for i, msg := range msgs {
		bytes += len(msg.Body)
		if i > 0 && (int64(i) == s.places.size || bytes > partBytes) {
			return msgs[:i], msgs[i:]
		}
	}
	return msgs, nil
}

// recordPart waits for free places and memory, calls went, and lets the handler record the messages.
func (s *session) recordPart(from *assignment, msgs []*primitive.MessageExt, went func()) (admitted, recorded bool) {
	bytes := 0
	for _, msg := range msgs {
		bytes += len(msg.Body)
	}
	for _, want := range []struct {
		budget *budget
		size   int
	}{{s.places, len(msgs)}, {s.memory, bytes}} { // one behind the other: who has memory must not wait for a place
		claim := want.budget.ask(want.size)
		defer want.budget.release(claim)
		select {
		case <-claim.ready:
		case <-s.work.Done():
			return false, false
		case <-from.dropped:
			return false, false
		}
	}
	went()

	recorded = true
	errs := s.handle(msgs) // none, or one for each
	for i, msg := range msgs {
		if i < len(errs) && errs[i] != nil && !s.failed(msg, errs[i]) {
			recorded = false
		}
	}
	return true, recorded
}

// failed reports whether a message that the handler failed on is done with all the same.
func (s *session) failed(msg *primitive.MessageExt, err error) bool {
	if s.work.Err() != nil {
		return false
	}
	if s.source.options.Reconsume && s.giveBack(msg, err) {
		return true
	}
	// The handler's contract is to come back with an error only when its context ended. Whatever this is, the message is not
	// recorded, so it is held; a restart reads it again.
	s.stuck.Add(1)
	s.observer.MessageStuck()
	s.log.Error().Err(err).Func(where(err)).Str("msg_id", msg.MsgId).Stringer("queue", msg.Queue).Int64("offset", msg.QueueOffset).
		Msg("message is stuck: the handler gave up; it is held until a restart")
	return false
}

// handle calls the handler and makes errors of its panic.
func (s *session) handle(msgs []*primitive.MessageExt) (errs []error) {
	defer func() {
		if value := recover(); value != nil {
			errs = slices.Repeat([]error{Recovered(value)}, len(msgs))
		}
	}()
	messages := make([]Message, len(msgs))
	for i, msg := range msgs {
		messages[i] = message(msg)
	}
	if errs = s.handler(s.work, messages); errs != nil && len(errs) != len(messages) {
		return slices.Repeat([]error{errHandler}, len(messages))
	}
	return errs
}

// errHandler is a fault of the handler's, for which nothing is acknowledged.
var errHandler = errors.New("the handler did not say of each message what became of it")

// park is called with what a pull found, before the client sees it. From the drain on, it stops the pull loops until
// the client is shut down: the client's Shutdown closes the channel that a pull loop may be sending to, which would end
// the process. What is parked was not handed over, and its offset is not committed.
func (s *session) park(pull *hooks.FilterMessageContext) ([]*primitive.MessageExt, error) {
	select {
	case <-s.gate.closing:
		<-s.closed
		return nil, nil
	default:
		if pull.MQ.Topic == RetryTopic(s.source.options.Group) {
			// The client looks for the callback of a pull by the topic that its first message was sent back from. One of a topic
			// that the group read once has none, and the client would send the whole pull back by itself, where a refusal loses it.
			for _, msg := range pull.Msg {
				msg.WithProperty(primitive.PropertyRetryTopic, s.source.options.Topic)
			}
		}
		s.holdings.pulled(pull.MQ, pull.Msg)
		return pull.Msg, nil
	}
}

// message copies what the handler may know. Its origin is the queue it was read from: for a redelivered message
// (Reconsumed > 0) that is the group's retry topic.
func message(msg *primitive.MessageExt) Message {
	return Message{
		Origin: record.Origin{
			Topic:     msg.Queue.Topic,
			Tags:      msg.GetTags(),
			Keys:      msg.GetKeys(),
			MsgID:     msg.MsgId,
			Broker:    msg.Queue.BrokerName,
			Queue:     msg.Queue.QueueId,
			Offset:    msg.QueueOffset,
			StoreTime: time.UnixMilli(msg.StoreTimestamp).UTC(),
		},
		Body:       msg.Body,
		Reconsumed: int(msg.ReconsumeTimes),
	}
}
