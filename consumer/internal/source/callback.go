package source

import (
	"context"
	"fmt"
	"time"

	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/hooks"
	"github.com/apache/rocketmq-client-go/v2/primitive"

	"gateway-billing.internal/consumer/internal/record"
)

// consume is the client's callback for one message. It has two ends only: ConsumeSuccess when the message is recorded,
// and RetryLater when the client is known to ignore it (its queue was dropped, or the client was shut down). Until one
// of them it blocks: that is what "held" means, and it is never an error for the client, which would send the message
// back, count a redelivery, and lose it where the broker refuses.
func (s *session) consume(_ context.Context, msgs ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
	msg := msgs[0] // ConsumeMessageBatchMaxSize is 1
	// By this property the client finds messages that take too long and sends them back while they are worked on.
	msg.RemoveProperty(primitive.PropertyConsumeStartTime)

	size := len(msg.Body)
	s.observer.MessageReceived(size)
	from, turn := s.holdings.enter(msg, size)
	defer s.holdings.leave(from, size)

	if s.record(from, turn, msg) {
		s.holdings.ack(from, msg.QueueOffset)
		s.observer.MessageAcked()
		return consumer.ConsumeSuccess, nil
	}
	s.holdings.wait(from)
	select {
	case <-from.dropped:
	case <-s.closed:
	}
	msg.Body = nil // the client never lets go of its table of messages
	return consumer.ConsumeRetryLater, nil
}

// record waits for the message's turn in its queue and for a free place, and lets the handler record it. false: it is
// to be held.
func (s *session) record(from *assignment, turn turn, msg *primitive.MessageExt) bool {
	select {
	case <-turn.before:
	case <-s.gate.closing:
		return false
	case <-from.dropped:
		return false
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-s.gate.closing:
		return false
	case <-from.dropped:
		return false
	}
	claim := s.budget.ask(len(msg.Body))
	defer s.budget.release(claim)
	select {
	case <-claim.ready:
	case <-s.gate.closing:
		return false
	case <-from.dropped:
		return false
	}
	if !s.gate.enter() {
		return false
	}
	defer s.gate.leave()
	close(turn.gone)

	err := s.handle(message(msg))
	if err == nil {
		return true
	}
	if s.work.Err() == nil {
		if s.source.options.Reconsume && s.giveBack(msg, err) {
			return true
		}
		// The handler's contract is to come back with an error only when its context ended. Whatever this is, the
		// message is not recorded, so it is held; a restart reads it again.
		s.stuck.Add(1)
		s.observer.MessageStuck()
		s.log.Error().Err(err).Str("msg_id", msg.MsgId).Stringer("queue", msg.Queue).Int64("offset", msg.QueueOffset).
			Msg("message is stuck: the handler gave up; it is held until a restart")
	}
	return false
}

// handle calls the handler and makes an error of its panic.
func (s *session) handle(m Message) (err error) {
	defer func() {
		if value := recover(); value != nil {
			logPanic(s.log, value).Str("msg_id", m.MsgID).Msg("panic in the message handler")
			err = fmt.Errorf("panic in the message handler (%s)", typeName(value))
		}
	}()
	return s.handler(s.work, m)
}

// park is called with what a pull found, before the client sees it. From the drain on, it stops the pull loops until
// the client is shut down: the client's Shutdown closes the channel that a pull loop may be sending to, which would end
// the process. What is parked was not handed over, and its offset is not committed.
func (s *session) park(pull *hooks.FilterMessageContext) ([]*primitive.MessageExt, error) {
	select {
	case <-s.gate.closing:
		<-s.closed
		return nil, nil
	default:
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

// typeName is the type of a value, without the value.
func typeName(value any) string { return fmt.Sprintf("%T", value) }
