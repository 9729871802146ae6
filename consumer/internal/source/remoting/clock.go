package remoting

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// uptimeForm is how a broker writes how long it has been running.
var uptimeForm = regexp.MustCompile(`(\d+) days, (\d+) hours, (\d+) minutes, (\d+) seconds`)

// Clock asks a broker for its time, to the second: it tells when it started, and how long ago that was.
func (c *Conn) Clock(ctx context.Context) (time.Time, error) {
	h, body, err := c.call(ctx, reqBrokerRuntime, map[string]string{})
	switch {
	case err != nil:
		return time.Time{}, err
	case h.Code != codeSuccess:
		return time.Time{}, answerError(h)
	}
	var data struct {
		Table map[string]string `json:"table"`
	}
	if err := json.Unmarshal(body, &data); err != nil {
		return time.Time{}, fmt.Errorf("decode the broker's state: %w", err)
	}
	start, err := strconv.ParseInt(data.Table["bootTimestamp"], 10, 64)
	up := uptimeForm.FindStringSubmatch(data.Table["runtime"])
	if err != nil || up == nil {
		return time.Time{}, errors.New("the broker does not tell its time")
	}
	seconds := 0
	for i, unit := range []int{86400, 3600, 60, 1} {
		n, err := strconv.Atoi(up[i+1])
		if err != nil {
			return time.Time{}, fmt.Errorf("the broker's uptime: %w", err)
		}
		seconds += n * unit
	}
	return time.UnixMilli(start).Add(time.Duration(seconds) * time.Second).UTC(), nil
}
