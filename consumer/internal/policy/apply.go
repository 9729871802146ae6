package policy

import (
	"slices"

	"gateway-billing.internal/consumer/internal/meter"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/shared/logentry"
)

// Apply completes a record whose usage is the tokens that package usage found: billable with its reason, the quantities
// of the rule's meters, the state of all its counts together, and the estimate. The marks say what is not known
// (meter:<unit>), rounded (rounded:<unit>) or estimated.
//
// A rule with meters says what its requests are metered by. usage_state is then over all of those: exact where each is
// known, partial where some are, missing where none is. Tokens take part where the rule lists them, and wherever the
// answer has some; a rule that does not list them expects none. A count that is not there is expected of a request that
// is billable and of one that the client gave up; the others were not metered, and lack nothing.
func (r *Rule) Apply(e *logentry.Entry, rec *record.Record) (marks []string) {
	u := &rec.Usage
	rec.Billable, rec.BillableReason = r.decide(e, u)
	tokens := r.tokens(u.State)
	if len(r.Meters) > 0 {
		expected := rec.Billable || rec.BillableReason == record.NotBillableAborted
		u.State, marks = r.read(e, u, tokens, expected)
	}
	if r.BytesPerToken > 0 && (tokens == record.UsageMissing || tokens == record.UsagePartial) {
		if u.EstimatedTokens = r.estimate(e); u.EstimatedTokens != nil {
			marks = append(marks, record.MarkEstimated)
		}
	}
	return marks
}

// tokens is the state of the tokens alone.
func (r *Rule) tokens(found record.UsageState) record.UsageState {
	listed := slices.ContainsFunc(r.Meters, func(m meter.Meter) bool { return m.Unit == meter.UnitTokens })
	if found == record.UsageMissing && len(r.Meters) > 0 && !listed {
		return record.UsageNone
	}
	return found
}

// read reads the meters into u and gives the state of all counts. Where a provider tells an amount in the unit of a
// meter, the meter's counts, known or not: one unit is counted in one way.
func (r *Rule) read(e *logentry.Entry, u *record.Usage, tokens record.UsageState, expected bool) (record.UsageState, []string) {
	known := tokens == record.UsageExact || tokens == record.UsagePartial
	unknown := tokens == record.UsageMissing || tokens == record.UsagePartial
	var marks []string
	for _, m := range r.Meters {
		switch m.Unit {
		case meter.UnitTokens:
			continue
		case meter.UnitRequest: // the ledger counts it
			known = known || expected
			continue
		}
		u.Quantities = slices.DeleteFunc(slices.Clone(u.Quantities), func(q record.Quantity) bool { return q.Unit == m.Unit })
		reading, ok := m.Read(e)
		switch {
		case ok:
			known = true
			u.Quantities = append(u.Quantities, reading.Quantity)
			if reading.Rounded {
				marks = append(marks, record.MarkRounded+m.Unit)
			}
		case expected:
			unknown = true
			marks = append(marks, record.MarkMeter+m.Unit)
		}
	}
	switch {
	case known && unknown:
		return record.UsagePartial, marks
	case known:
		return record.UsageExact, marks
	case unknown:
		return record.UsageMissing, marks
	default:
		return record.UsageNone, marks
	}
}

// estimate is the tokens of the whole request, rounded up, from its bytes and those of its answer: of each the larger
// of what went over the wire (compressed, perhaps) and what the logger kept (cut, perhaps). nil where one of them is
// not known at all.
func (r *Rule) estimate(e *logentry.Entry) *int64 {
	request, ok := larger(e.RequestSize, e.RequestBody)
	response, okay := larger(e.ResponseSize, e.ResponseBody)
	if !ok || !okay || request > maxBytes || response > maxBytes {
		return nil
	}
	return new((request + response + r.BytesPerToken - 1) / r.BytesPerToken)
}

// maxBytes is far above any request, and far below what overflows.
const maxBytes = int64(1) << 50

func larger(size *int64, body *string) (n int64, known bool) {
	if size != nil && *size >= 0 {
		n, known = *size, true
	}
	if body != nil {
		n, known = max(n, int64(len(*body))), true
	}
	return n, known
}
