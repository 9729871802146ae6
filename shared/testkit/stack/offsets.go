package stack

import (
	"context"
	"fmt"
	"strconv"
)

// NotCommitted stands for the offset of a queue that a group has not committed any for.
const NotCommitted = -1

// MaxOffsets returns the next offset to be written in each queue of a topic: the number of messages it ever held. One
// that the broker has confirmed counts a moment later.
func (r *RocketMQ) MaxOffsets(ctx context.Context, topic string) ([]int64, error) {
	return r.offsets(ctx, topic, func(q queue) (int, map[string]string) {
		return getMaxOffset, map[string]string{"topic": topic, "queueId": strconv.Itoa(q.id)}
	})
}

// CommittedOffsets returns the offset up to which a group has acknowledged each queue of a topic, or NotCommitted. The
// client commits every 5 s and when it shuts down.
func (r *RocketMQ) CommittedOffsets(ctx context.Context, group, topic string) ([]int64, error) {
	return r.offsets(ctx, topic, func(q queue) (int, map[string]string) {
		return queryConsumerOffset, map[string]string{
			"consumerGroup": group, "topic": topic, "queueId": strconv.Itoa(q.id), "setZeroIfNotFound": "false",
		}
	})
}

func (r *RocketMQ) offsets(ctx context.Context, topic string, ask func(queue) (int, map[string]string)) ([]int64, error) {
	queues, err := r.queues(ctx, topic)
	if err != nil {
		return nil, err
	}
	if len(queues) == 0 {
		return nil, fmt.Errorf("there is no topic %s", topic)
	}
	offsets := make([]int64, len(queues))
	for i, queue := range queues {
		code, fields := ask(queue)
		response, err := r.call(ctx, queue.broker.addr, code, fields, nil)
		if isCode(err, queryNotFound) {
			offsets[i] = NotCommitted
			continue
		}
		if err != nil {
			return nil, err
		}
		if offsets[i], err = strconv.ParseInt(response.Fields["offset"], 10, 64); err != nil {
			return nil, fmt.Errorf("offset of queue %d of topic %s: %w", queue.id, topic, err)
		}
	}
	return offsets, nil
}
