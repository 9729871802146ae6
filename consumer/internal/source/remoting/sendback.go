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

// RetryQueues asks a broker how many queues a group's retry topic has by the group's configuration; false for a group
// that the broker does not know yet. With none a broker takes back a message, says yes, and drops it.
func (c *Conn) RetryQueues(ctx context.Context, group string) (queues int, known bool, err error) {
	h, body, err := c.call(ctx, reqAllGroups, map[string]string{})
	if err != nil {
		return 0, false, err
	}
	if h.Code != codeSuccess {
		return 0, false, answerError(h)
	}
	var data struct {
		Groups map[string]struct {
			RetryQueueNums int `json:"retryQueueNums"`
		} `json:"subscriptionGroupTable"`
	}
	if err := json.Unmarshal(body, &data); err != nil {
		return 0, false, fmt.Errorf("decode the groups' configuration: %w", err)
	}
	config, known := data.Groups[group]
	return config.RetryQueueNums, known, nil
}
