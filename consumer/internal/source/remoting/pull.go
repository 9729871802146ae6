package remoting

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/apache/rocketmq-client-go/v2/primitive"
)

// Pulled is what one pull brought.
type Pulled struct {
	// Messages may be none although there are more: those at the offset have other tags.
	Messages []*primitive.MessageExt
	// Next is the offset to go on at.
	Next int64
}

// Pull asks for up to most messages of a queue from an offset on, as the group with its tag expression, without waiting.
// Nothing is committed, and the group is not joined.
func (c *Conn) Pull(ctx context.Context, group, topic, tag string, queue int, at int64, most int) (Pulled, error) {
	h, body, err := c.pull(ctx, group, topic, tag, queue, at, most)
	if err != nil {
		return Pulled{}, err
	}
	switch h.Code {
	case codeSuccess, codePullNotFound, codePullRetryNow, codePullOffsetMoved:
	case codeGroupNotExist:
		return Pulled{}, ErrNoGroup
	default:
		return Pulled{}, answerError(h)
	}
	next, err := strconv.ParseInt(h.ExtFields["nextBeginOffset"], 10, 64)
	if err != nil {
		return Pulled{}, fmt.Errorf("answer without the next offset: %w", err)
	}
	p := Pulled{Next: next}
	if h.Code == codeSuccess {
		p.Messages = primitive.DecodeMessage(body)
	}
	return p, nil
}

func (c *Conn) pull(ctx context.Context, group, topic, tag string, queue int, at int64, most int) (header, []byte, error) {
	const subscriptionFromRequest = 1 << 2
	return c.call(ctx, reqPullMessage, map[string]string{
		"consumerGroup": group, "topic": topic, "queueId": strconv.Itoa(queue),
		"queueOffset": strconv.FormatInt(at, 10), "maxMsgNums": strconv.Itoa(most),
		"sysFlag": strconv.Itoa(subscriptionFromRequest), "commitOffset": "0", "suspendTimeoutMillis": "0",
		"subscription": tag, "subVersion": "0", "expressionType": "TAG",
	})
}

// OffsetAt asks a broker for an offset near which the queue's messages were stored at a time. Among messages of one time
// it may be any: what is wanted exactly must be looked for from there.
func (c *Conn) OffsetAt(ctx context.Context, topic string, queue int, at time.Time) (int64, error) {
	return c.offset(ctx, reqSearchOffset, map[string]string{
		"topic": topic, "queueId": strconv.Itoa(queue), "timestamp": strconv.FormatInt(at.UnixMilli(), 10),
	})
}
