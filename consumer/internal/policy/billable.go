package policy

import (
	"net/http"
	"slices"

	"gateway-billing.internal/consumer/internal/meter"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/consumer/internal/usage"
	"gateway-billing.internal/shared/logentry"
)

// statusClientClosed is nginx's status of a request whose client went away before the answer began.
const statusClientClosed = 499

// Billable says which requests count. By default a request does that was answered with a status below 400, and so does
// one whose status or method nobody knows, since a doubt makes no request free. Three cases are less plain:
//
//   - The client went away before the answer began (499). It caused the call, so where the provider's count is known it
//     is billed. Where none is, there is nothing to bill, and the request is not.
//   - Another failed status with a provider's count. The client got nothing for it, so it is not billed, but under a
//     reason of its own: someone pays for these tokens.
//   - Another method than POST whose answer shows a usage object reads a stored answer of a provider, and so does a POST to
//     the path of one; its call is billed already. Any answer may have a member of that name, so that holds only where a
//     provider answers, and not on a route that meters something else than tokens.
type Billable struct {
	// Statuses replaces the default for statuses where it is not empty.
	Statuses []Statuses
	// Methods are the only ones that count where it is not empty; then stored answers are not looked for.
	Methods []string
}

// Statuses is a range of statuses, both ends included.
type Statuses struct{ From, To int }

// decide says whether a request counts, and why.
func (r *Rule) decide(e *logentry.Entry, u *record.Usage) (billable bool, reason string) {
	b := &r.Billable
	if e.Method != nil {
		switch {
		case len(b.Methods) > 0 && !slices.Contains(b.Methods, *e.Method):
			return false, record.NotBillableMethod
		case len(b.Methods) == 0 && r.stored(e, u):
			return false, record.NotBillableStoredAnswer
		}
	}
	counted := u.TotalTokens > 0
	switch {
	case e.Status == nil || *e.Status < 100: // 0: nobody saw one
		return true, record.BillableStatusUnknown
	case b.counts(*e.Status):
		return true, record.BillableSuccess
	case len(b.Statuses) == 0 && *e.Status == statusClientClosed && counted:
		return true, record.BillableAbortedWithUsage
	case *e.Status == statusClientClosed && !counted:
		return false, record.NotBillableAborted
	case counted:
		return false, record.NotBillableStatusWithUsage
	default:
		return false, record.NotBillableStatus
	}
}

// stored says whether an answer is one that a provider gave before.
func (r *Rule) stored(e *logentry.Entry, u *record.Usage) bool {
	again := usage.FromProvider(e, r.Provider)
	if *e.Method == http.MethodPost {
		again = usage.ReadsStored(e) && u.State == record.UsageNone
	}
	return again && u.RawJSON != nil &&
		!slices.ContainsFunc(r.Meters, func(m meter.Meter) bool { return m.Unit != meter.UnitTokens })
}

func (b *Billable) counts(status int) bool {
	if len(b.Statuses) == 0 {
		return status < 400
	}
	return slices.ContainsFunc(b.Statuses, func(s Statuses) bool { return s.From <= status && status <= s.To })
}
