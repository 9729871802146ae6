package identity

import (
	"cmp"
	"slices"
	"time"

	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/shared/logentry"
)

// maxTried is how many of the stamp values of one entry are tried, so that a client who floods the header costs little.
const maxTried = 8

// open tries the stamp values of an entry: those of the billing object first, in each place the last first, since the
// runner's own comes behind what a client sent. The first whose seal opens counts; anybody can write an unsealed one,
// so it counts only when no sealed one opens. A sealed one of another request than the gateway's word gives way to one of
// this request: whoever put an old stamp beside the runner's does not take that one away. Without any, the state tells of
// the first tried that at least has the form of a stamp.
func open(e *logentry.Entry, keys *billingkey.KeySet, gatewayID billingkey.RequestID, confirmed bool) (*billingkey.Stamp, billingkey.State) {
	var values []string
	if e.Billing != nil {
		values = backwards(values, e.Billing.Stamps)
	}
	values = backwards(values, e.HeaderStamps)
	var unsealed, others *billingkey.Stamp
	failed := billingkey.Absent
	for _, value := range values {
		stamp, state := keys.Open(value)
		switch {
		case state == billingkey.Verified && (!confirmed || stamp.RequestID == gatewayID):
			return &stamp, state
		case state == billingkey.Verified:
			others = cmp.Or(others, &stamp)
		case state == billingkey.Unsealed && unsealed == nil:
			unsealed = &stamp
		case failed == billingkey.Absent || failed == billingkey.Malformed:
			failed = state
		}
	}
	if others != nil {
		return others, billingkey.Verified
	}
	if unsealed != nil {
		return unsealed, billingkey.Unsealed
	}
	return nil, failed
}

// backwards appends values, the last first, up to maxTried in all and each once.
func backwards(to, values []string) []string {
	for _, value := range slices.Backward(values) {
		if len(to) == maxTried {
			break
		}
		if !slices.Contains(to, value) {
			to = append(to, value)
		}
	}
	return to
}

// judge says why a stamp that opened does not belong to this entry; "" when it does. The order is fixed: ID, APISIX
// consumer, time.
func judge(e *logentry.Entry, stamp *billingkey.Stamp, state billingkey.State, rules Rules,
	gatewayID billingkey.RequestID, confirmed bool,
) billingkey.State {
	switch {
	case confirmed && stamp.RequestID != gatewayID:
		return billingkey.IDMismatch
	case !confirmed && stamp.IDSource == billingkey.IDFromHeaders:
		// The gateway's configuration may have let the client's own header through.
		return billingkey.Unconfirmed
	case !confirmed && state == billingkey.Unsealed && !rules.AllowUnsealed:
		return billingkey.Unconfirmed
	case e.Consumer != nil && stamp.Consumer != "" && *e.Consumer != stamp.Consumer:
		return billingkey.ConsumerMismatch
	case !inTime(e, stamp.Time, rules.Tolerance):
		return billingkey.TimeMismatch
	default:
		return ""
	}
}

// inTime says whether t lies between the entry's start and end. An entry without a start can't contradict it: it gets
// no key either.
func inTime(e *logentry.Entry, t time.Time, tolerance time.Duration) bool {
	if e.StartMS == nil {
		return true
	}
	start := time.UnixMilli(*e.StartMS)
	end := start
	if e.LatencyMS != nil && *e.LatencyMS > 0 {
		end = start.Add(time.Duration(min(*e.LatencyMS, maxLatencyMS) * float64(time.Millisecond)))
	}
	return !t.Before(start.Add(-tolerance)) && !t.After(end.Add(tolerance))
}

// maxLatencyMS keeps the sum of start and latency inside a time: 30 days, longer than any request.
const maxLatencyMS = 30 * 24 * 3600 * 1000
