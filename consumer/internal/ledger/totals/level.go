package totals

import "gateway-billing.internal/sql/billingdb"

// Level is one way in which all usage is summed: by spans of time (UTC), and by all names or by the APISIX consumer and
// billable alone.
type Level struct {
	// Span is in seconds.
	Span       int64
	ByConsumer bool
}

const (
	quarter = 15 * 60
	hour    = 60 * 60
	day     = 24 * hour
)

// hourly is the level of the table usage_hourly.
var hourly = Level{Span: hour}

// Rollups are the levels of the table usage_rollup. There is none by quarters and APISIX consumer: only the edges of days of
// a few zones are cut that fine.
var Rollups = []Level{{Span: quarter}, {Span: day}, {Span: hour, ByConsumer: true}, {Span: day, ByConsumer: true}}

// Add is how deltas are added to the level.
func (l Level) Add(ids []int64) billingdb.AddUsageRollupParams {
	return billingdb.AddUsageRollupParams{
		Span: int16(l.Span / 60), Cut: l.cut(), ByDay: l.Span == day, ByHour: l.Span == hour, AllNames: !l.ByConsumer, Ids: ids,
	}
}

func (l Level) cut() string {
	if l.ByConsumer {
		return "consumer"
	}
	return "all"
}
