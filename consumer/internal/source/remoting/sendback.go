package remoting

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
)

// SendBack asks the broker to deliver a message to the group again, later: nil only when the broker says that it keeps
// it. commitLog is the message's place in the broker's log. A message that was given back max times goes to the DLQ.
func (c *Conn) SendBack(ctx context.Context, group, topic, msgID string, commitLog int64, times int) error {
	h, _, err := c.call(ctx, reqSendBack, map[string]string{
		"group": group, "originTopic": topic, "originMsgId": msgID, "offset": strconv.FormatInt(commitLog, 10),
		"delayLevel":        "0", // the broker's own growing delay
		"maxReconsumeTimes": strconv.Itoa(times), "unitMode": "false",
	})
	if err != nil {
		return err
	}
	if h.Code != codeSuccess {
		return answerError(h)
	}
	return nil
}

// Writable asks a name server which brokers let clients write to a topic. The error is ErrNoTopic when it does not know
// the topic.
func (c *Conn) Writable(ctx context.Context, topic string) (brokers map[string]bool, err error) {
	const permWrite = 2
	h, body, err := c.call(ctx, reqRouteByTopic, map[string]string{"topic": topic, "acceptStandardJsonOnly": "true"})
	switch {
	case err != nil:
		return nil, err
	case h.Code == codeTopicNotExist:
		return nil, ErrNoTopic
	case h.Code != codeSuccess:
		return nil, answerError(h)
	}
	var data struct {
		QueueDatas []struct {
			BrokerName string `json:"brokerName"`
			Perm       int    `json:"perm"`
		} `json:"queueDatas"`
	}
	if err := json.Unmarshal(numericKey.ReplaceAll(body, []byte(`$1"$2":`)), &data); err != nil {
		return nil, fmt.Errorf("decode route: %w", err)
	}
	brokers = map[string]bool{}
	for _, q := range data.QueueDatas {
		brokers[q.BrokerName] = q.Perm&permWrite != 0
	}
	return brokers, nil
}
