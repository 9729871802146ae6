package remoting

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/apache/rocketmq-client-go/v2/primitive"
)

// PullRequest asks for the messages of one queue from an offset on.
type PullRequest struct {
	// Group is in whose name is asked. It need not be a member's name: asking neither joins the group nor commits for it.
	Group string
	Topic string
	// Tag is the tag expression: "*", or "a || b". The broker goes by hashes of tags, so a message may have another tag.
	Tag    string
	Queue  int
	Offset int64
	// Max is the most messages; a broker gives fewer of those that it must read from its disk.
	Max int
}

// Pulled is a broker's answer to a pull.
type Pulled struct {
	// Messages are in the order of their offsets; there may be none although more follow.
	Messages []Message
	// Next is the offset at which the next pull goes on.
	Next int64
	// Moved: the broker does not have the offset (any more); Next is the nearest that it has.
	Moved bool
}

// Message is one message as the broker keeps it.
type Message struct {
	Offset int64
	MsgID  string
	Tags   string
	Keys   string
	// StoreTime is when the broker stored it (UTC, ms).
	StoreTime time.Time
	Body      []byte
}

// Pull asks a broker for messages, without waiting for some to come. Nothing is committed, and the group has no member
// more by it.
func (c *Conn) Pull(ctx context.Context, r PullRequest) (Pulled, error) {
	h, body, err := c.pull(ctx, r)
	if err != nil {
		return Pulled{}, err
	}
	p := Pulled{Moved: h.Code == codePullOffsetMoved}
	if p.Next, err = strconv.ParseInt(h.ExtFields["nextBeginOffset"], 10, 64); err != nil {
		return Pulled{}, fmt.Errorf("answer without nextBeginOffset: %w", err)
	}
	if h.Code == codeSuccess {
		p.Messages, err = decodeMessages(body)
	}
	return p, err
}

func (c *Conn) pull(ctx context.Context, r PullRequest) (header, []byte, error) {
	const subscriptionFromRequest = 1 << 2
	h, body, err := c.call(ctx, reqPullMessage, map[string]string{
		"consumerGroup": r.Group, "topic": r.Topic, "queueId": strconv.Itoa(r.Queue),
		"queueOffset": strconv.FormatInt(r.Offset, 10), "maxMsgNums": strconv.Itoa(r.Max),
		"sysFlag": strconv.Itoa(subscriptionFromRequest), "commitOffset": "0", "suspendTimeoutMillis": "0",
		"subscription": r.Tag, "subVersion": "0", "expressionType": "TAG",
	})
	if err != nil {
		return h, nil, err
	}
	switch h.Code {
	case codeSuccess, codePullNotFound, codePullRetryNow, codePullOffsetMoved:
		return h, body, nil
	case codeGroupNotExist:
		return h, nil, ErrNoGroup
	default:
		return h, nil, answerError(h)
	}
}

// decodeMessages reads the body of an answer with the client's own decoder, so that a message is here what it is to the
// live consumer. That decoder panics on what is no message.
func decodeMessages(body []byte) (messages []Message, err error) {
	defer func() {
		if recover() != nil {
			messages, err = nil, errors.New("answer: its messages can't be read")
		}
	}()
	for _, m := range primitive.DecodeMessage(body) {
		messages = append(messages, Message{
			Offset: m.QueueOffset, MsgID: m.MsgId, Tags: m.GetTags(), Keys: m.GetKeys(),
			StoreTime: time.UnixMilli(m.StoreTimestamp).UTC(), Body: m.Body,
		})
	}
	return messages, nil
}
