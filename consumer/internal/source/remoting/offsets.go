package remoting

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// NoOffset is what Committed returns for a queue that the group never committed.
const NoOffset = -1

// MaxOffset asks a broker for the offset that the queue's next message will get.
func (c *Conn) MaxOffset(ctx context.Context, topic string, queue int) (int64, error) {
	return c.offset(ctx, reqGetMaxOffset, map[string]string{"topic": topic, "queueId": strconv.Itoa(queue)})
}

// MinOffset asks a broker for the offset of the oldest message that the queue still has.
func (c *Conn) MinOffset(ctx context.Context, topic string, queue int) (int64, error) {
	return c.offset(ctx, reqGetMinOffset, map[string]string{"topic": topic, "queueId": strconv.Itoa(queue)})
}

// SearchOffset asks a broker for the offset of the first message that the queue stored at a time or later. Brokers before
// 5.x may answer a little beside it: with one neighbour of the time, or with any of several messages of that millisecond.
func (c *Conn) SearchOffset(ctx context.Context, topic string, queue int, at time.Time) (int64, error) {
	return c.offset(ctx, reqSearchOffset, map[string]string{
		"topic": topic, "queueId": strconv.Itoa(queue), "timestamp": strconv.FormatInt(at.UnixMilli(), 10),
	})
}

// Committed asks a broker for the group's committed offset, NoOffset when there is none.
func (c *Conn) Committed(ctx context.Context, group, topic string, queue int) (int64, error) {
	return c.offset(ctx, reqQueryConsumerOffset, map[string]string{
		"consumerGroup": group, "topic": topic, "queueId": strconv.Itoa(queue),
		// Without this a broker may answer 0 for a group it does not know.
		"setZeroIfNotFound": "false",
	})
}

func (c *Conn) offset(ctx context.Context, code int, ext map[string]string) (int64, error) {
	h, _, err := c.call(ctx, code, ext)
	switch {
	case err != nil:
		return 0, err
	case h.Code == codeQueryNotFound:
		return NoOffset, nil
	case h.Code != codeSuccess:
		return 0, answerError(h)
	}
	n, err := strconv.ParseInt(h.ExtFields["offset"], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("answer without an offset: %w", err)
	}
	return n, nil
}

// TryPull asks for a message at an offset (the end of the queue), as the group with its tag expression, without waiting:
// nil when the broker lets these credentials consume. Nothing is committed.
func (c *Conn) TryPull(ctx context.Context, group, topic, tag string, queue int, at int64) error {
	_, _, err := c.pull(ctx, PullRequest{Group: group, Topic: topic, Tag: tag, Queue: queue, Offset: at, Max: 1})
	return err
}
