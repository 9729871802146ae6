package source

import (
	"time"

	"github.com/apache/rocketmq-client-go/v2/consumer"
)

// Start is where a new group begins: at the oldest message the broker has (the zero value), behind the newest, or at a
// time. Only a queue without a committed offset of the group is concerned.
//
// The broker has a say: asked for the offset of a new group, it answers 0 for a queue whose messages are all still in
// its memory, so on a young topic "last" and a time begin at the oldest message too. Nothing is lost by that.
type Start struct {
	last bool
	at   time.Time
}

// The named starts.
var (
	StartFirst = Start{}
	StartLast  = Start{last: true}
)

// StartAt begins with the first message stored at or after t (to the second).
func StartAt(t time.Time) Start { return Start{at: t} }

// clientTime is the client's form of the time. It has no zone; the client reads it as UTC.
func (s Start) clientTime() string { return s.at.UTC().Format("20060102150405") }

func (s Start) options() []consumer.Option {
	switch {
	case s.last:
		return []consumer.Option{consumer.WithConsumeFromWhere(consumer.ConsumeFromLastOffset)}
	case !s.at.IsZero():
		return []consumer.Option{
			consumer.WithConsumeFromWhere(consumer.ConsumeFromTimestamp),
			consumer.WithConsumeTimestamp(s.clientTime()),
		}
	default:
		return []consumer.Option{consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset)}
	}
}
