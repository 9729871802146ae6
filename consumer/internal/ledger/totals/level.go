package totals

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

// levels are all of them but for hourly in the table usage_rollup. There is none by quarters and APISIX consumer: only the
// edges of days of a few zones are cut that fine.
var levels = []Level{
	{Span: quarter}, hourly, {Span: day}, {Span: hour, ByConsumer: true}, {Span: day, ByConsumer: true},
}

func (l Level) cut() string {
	if l.ByConsumer {
		return "consumer"
	}
	return "all"
}

// of are the names that the level keeps.
func (l Level) of(n names) names {
	if l.ByConsumer {
		return names{consumer: n.consumer, billable: n.billable}
	}
	return n
}
