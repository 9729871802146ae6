package source

import (
	"context"

	"github.com/apache/rocketmq-client-go/v2/primitive"

	"gateway-billing.internal/consumer/internal/source/remoting"
)

// watch releases what belongs to other members now and asks the servers how it stands. false: this session has to end.
func (x *session) watch(ctx context.Context) bool {
	if ctx.Err() != nil {
		return false
	}
	owned := x.ofTopic(x.holdings.retireAbsent(x.table))
	found := x.source.survey(ctx, x.route, owned)
	if ctx.Err() != nil {
		return false
	}
	x.route = found.route
	x.source.surveyed(found, owned)
	if n := len(found.route.Queues); n > x.capacity.queues {
		x.log.Warn().Int("queues", n).Int("planned_for", x.capacity.queues).
			Msg("the topic has more queues than this client was made for; starting a new one")
		return false
	}
	return true
}

// ofTopic leaves out the queues of the group's retry topic.
func (x *session) ofTopic(table map[primitive.MessageQueue]ownedQueue) map[remoting.Queue]ownedQueue {
	owned := map[remoting.Queue]ownedQueue{}
	for mq, q := range table {
		if mq.Topic == x.source.options.Topic {
			owned[remoting.Queue{Broker: mq.BrokerName, ID: mq.QueueId}] = q
		}
	}
	return owned
}

// jumpFrom and jumpTo are the two halves of an offset jump, 10 s apart.
func (x *session) jumpFrom(r pullRequest) {
	x.jumpMu.Lock()
	defer x.jumpMu.Unlock()
	x.jumps[r.key()] = r.offset
}

func (x *session) jumpTo(r pullRequest) {
	x.jumpMu.Lock()
	from, known := x.jumps[r.key()]
	delete(x.jumps, r.key())
	begins := known && from == 0 && x.fresh[r.key()]
	delete(x.fresh, r.key())
	x.jumpMu.Unlock()

	if begins { // a new group starts at 0, and the broker's oldest message is later: nothing of the group's is lost
		x.log.Info().Str("broker", r.broker).Int("queue", r.queue).Int64("offset", r.offset).
			Msg("new group begins at the oldest message that the broker has")
		return
	}
	if !known {
		from = -1
	}
	x.log.Error().Str("broker", r.broker).Int("queue", r.queue).Int64("from", from).Int64("to", r.offset).
		Msg("the broker does not have the messages that the group stands at; forward, those in between were never read")
	x.observer.OffsetJumped(OffsetJump{Topic: r.topic, Broker: r.broker, Queue: r.queue, From: from, To: r.offset})
}
