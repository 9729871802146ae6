package remoting

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Retention asks a broker after how long it deletes messages (fileReservedTime, hours). A broker with access control
// tells only its administrators.
func (c *Conn) Retention(ctx context.Context) (time.Duration, error) {
	h, body, err := c.call(ctx, reqBrokerConfig, map[string]string{})
	switch {
	case err != nil:
		return 0, err
	case h.Code != codeSuccess:
		return 0, answerError(h)
	}
	for line := range strings.Lines(string(body)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "fileReservedTime="); ok {
			hours, err := strconv.Atoi(value)
			if err != nil || hours < 0 {
				return 0, fmt.Errorf("the broker's fileReservedTime is no number of hours: %q", value)
			}
			return time.Duration(hours) * time.Hour, nil
		}
	}
	return 0, errors.New("the broker's configuration has no fileReservedTime")
}
