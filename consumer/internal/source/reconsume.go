package source

import (
	"context"
	"errors"
	"fmt"

	"github.com/apache/rocketmq-client-go/v2/primitive"

	"gateway-billing.internal/consumer/internal/source/remoting"
)

// checkRetryTopic says why messages can't be given back: each broker of the topic must let the retry topic be written.
// Where nothing is given back it says nothing.
func (s *Source) checkRetryTopic(ctx context.Context, route remoting.Route) error {
	if !s.options.Reconsume {
		return nil
	}
	topic := RetryTopic(s.options.Group)
	var errs []error
	for _, addr := range s.options.NameServers {
		permissions, err := s.permissions(ctx, addr, topic)
		if err != nil {
			errs = append(errs, fmt.Errorf("on_failure is reconsume: %s: name server %s: %s", topic, addr, describe(err)))
			continue
		}
		for _, broker := range route.Brokers() {
			if !permissions[broker].Write {
				return fmt.Errorf("on_failure is reconsume, but broker %s does not let clients write to %s: create it, or give "+
					"it permission 6 (mqadmin updateTopic), or set on_failure to hold", broker, topic)
			}
			if err := s.checkRetryQueues(ctx, route.Masters[broker]); err != nil {
				return fmt.Errorf("on_failure is reconsume: broker %s: %w", broker, err)
			}
		}
		return nil
	}
	return errors.Join(errs...)
}

// checkRetryQueues refuses a group whose messages a broker would drop when they are given back.
func (s *Source) checkRetryQueues(ctx context.Context, addr string) error {
	conn, err := remoting.Dial(ctx, addr, s.options.credentials())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	queues, known, err := conn.RetryQueues(ctx, s.options.Group)
	switch {
	case err != nil:
		return fmt.Errorf("the group's configuration: %s", describe(err))
	case known && queues < 1:
		return fmt.Errorf("group %s has no retry queues, so the broker would drop what is given back: give it one "+
			"(mqadmin updateSubGroup -q 1), or set on_failure to hold", s.options.Group)
	}
	return nil
}

func (s *Source) permissions(ctx context.Context, addr, topic string) (map[string]remoting.Permission, error) {
	conn, err := remoting.Dial(ctx, addr, s.options.credentials())
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	route, err := conn.Route(ctx, topic)
	return route.Permissions, err
}

// giveBack gives a message that the handler failed on back to the broker, and says whether the broker has it. It does
// not use the client's RetryLater, which takes no answer for a yes: where the broker refuses, the message would be lost.
// Only behind the broker's yes is it acknowledged; without one it is held. Died between the two: it comes twice.
func (x *session) giveBack(msg *primitive.MessageExt, cause error) bool {
	log := x.log.With().Str("msg_id", msg.MsgId).Stringer("queue", msg.Queue).Int64("offset", msg.QueueOffset).Logger()
	if err := x.sendBack(x.work, msg); err != nil {
		log.Error().Str("error", x.source.options.hide(err.Error())).Msg("the broker does not take back a message that the handler failed on")
		return false
	}
	x.observer.MessageReconsumed()
	log.Error().Err(cause).Int32("reconsumed", msg.ReconsumeTimes+1).Int("of", x.source.options.MaxReconsume).
		Msg("the handler failed on a message; it was given back to the broker")
	return true
}

func (x *session) sendBack(ctx context.Context, msg *primitive.MessageExt) error {
	route, none := x.source.route(ctx)
	if none != nil {
		return none
	}
	conn, err := remoting.Dial(ctx, route.Masters[msg.Queue.BrokerName], x.source.options.credentials())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	o := x.source.options
	return conn.SendBack(ctx, o.Group, msg.Queue.Topic, msg.MsgId, msg.CommitLogOffset, o.MaxReconsume)
}
