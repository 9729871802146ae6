package source

import (
	"time"

	"github.com/apache/rocketmq-client-go/v2/rlog"
	"github.com/rs/zerolog"
)

// loggedFields are the fields of the client's lines that are logged, where they are scalars.
var loggedFields = []string{
	rlog.LogKeyTopic, rlog.LogKeyMessageQueue, rlog.LogKeyPullRequest, rlog.LogKeyBroker, rlog.LogKeyUnderlayError,
	rlog.LogKeyQueueId, rlog.LogKeyQueueOffset,
	"brokerName", "brokerAddr", "responseCode", "remark", "offset", "nextBeginOffset", "firstMsgOffset",
	"prevRequestOffset", "flowControlTimes", "size(MiB)", "maxSpan",
}

const maxLogText = 300

func cut(s string) string { return s[:min(len(s), maxLogText)] }

func addScalar(event *zerolog.Event, name string, value any, hide func(string) string) {
	switch v := value.(type) {
	case string:
		event.Str(name, cut(hide(v)))
	case error: // the client's and the network's own errors; ours never get there
		event.Str(name, cut(hide(v.Error())))
	case int:
		event.Int(name, v)
	case int16:
		event.Int16(name, v)
	case int32:
		event.Int32(name, v)
	case int64:
		event.Int64(name, v)
	case bool:
		event.Bool(name, v)
	}
}

// lineLimit lets one line of a kind through in lineInterval.
type lineLimit struct {
	last       time.Time
	suppressed int
}

const (
	lineInterval = 30 * time.Second
	maxLineKinds = 512
)

// allow reports whether a line may be written, and how many of its kind were not since the last one.
func (b *logBridge) allow(level zerolog.Level, msg string) (suppressed int, ok bool) {
	if level < zerolog.WarnLevel {
		return 0, true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	limit := b.limits[msg]
	if limit == nil {
		if len(b.limits) >= maxLineKinds {
			clear(b.limits)
		}
		b.limits[msg] = &lineLimit{last: now}
		return 0, true
	}
	if now.Sub(limit.last) < lineInterval {
		limit.suppressed++
		return 0, false
	}
	suppressed = limit.suppressed
	*limit = lineLimit{last: now}
	return suppressed, true
}
