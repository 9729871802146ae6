package ledger

import (
	"net/http"
	"slices"
	"strings"

	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/shared/billingkey"
)

// Marks of what does not fit: of a usage object, which was seen all the same, and of a stamp's dimensions.
const (
	markUsageCut      = "cut:usage_json"
	markDimensionsCut = "cut:dimensions"
)

// join gives have what copy, which is of the same request, knows better. raised says whether that is its usage, filled
// whether it is anything else. Of two copies the order decides nothing, but where they are equally sure of what differs:
// there the first one's stands. Nor does it of more, where none keeps an answer without telling of which request.
func join(have, copy *figures) (raised, filled bool) {
	if contradicts(have, copy) && !hasMark(have.Marks, markUsageDiffers) {
		have.Marks = addMark(have.Marks, markUsageDiffers)
	}
	raised, decided := better(have, copy), decides(have, copy)
	filled = decided || fills(have, copy)
	if decided {
		have.Billable, have.BillableReason = copy.Billable, copy.BillableReason
	}
	if raised {
		takeUsage(have, copy)
	}
	fill(have, copy)
	if raised || decided {
		weighTokens(have)
	}
	return raised, filled
}

// grounds says how much must be known of a request for a reason, so that of two copies' reasons the one stands that more
// was known for. One policy gives one request no two reasons on equal grounds. A repeat is a request that policy would bill.
func grounds(reason string) int {
	switch reason {
	case record.BillableStatusUnknown:
		return 0
	case record.BillableAbortedWithUsage, record.NotBillableRepeat: // its status, and perhaps its tokens
		return 2
	case record.NotBillableStatusWithUsage:
		return 3
	case record.NotBillableMethod, record.NotBillableStoredAnswer: // its method, and perhaps its answer
		return 4
	default: // its status
		return 1
	}
}

// decides says whether copy decides whether the request counts: it has better grounds, and they are something that have
// does not know. Else it is the policy that has changed, and what is recorded stays. Who saw what was asked of a model knows
// that the answer is none that was stored before.
func decides(have, copy *figures) bool {
	const stored = record.NotBillableStoredAnswer
	switch {
	case have.BillableReason == stored && posted(have) && called(copy):
		return true // and from now on have is known to be a call
	case copy.BillableReason == stored && called(have), grounds(copy.BillableReason) <= grounds(have.BillableReason):
		return false
	}
	return better(have, copy) || shows(copy) && !shows(have) || have.Method == nil && copy.Method != nil ||
		have.URI == nil && copy.URI != nil ||
		have.BillableReason == record.BillableStatusUnknown && answered(copy.Status)
}

// posted says whether the request is known to be a POST, and to what.
func posted(f *figures) bool {
	return f.Method != nil && *f.Method == http.MethodPost && f.URI != nil
}

// called says whether the request is known to be a call of a model, and how it ended: no other POST to the path of a stored
// answer is metered.
func called(f *figures) bool {
	return posted(f) && f.UsageState != string(record.UsageNone) && answered(f.Status)
}

// answered says whether a status is known: in place of one that nobody saw, 0 may stand.
func answered(status *int32) bool { return status != nil && *status >= 100 }

// weighTokens gives a request its reason where one copy knows that it failed, and another what it consumed all the same.
func weighTokens(f *figures) {
	switch {
	case f.TotalTokens == 0:
	case f.BillableReason == record.NotBillableAborted:
		f.Billable, f.BillableReason = true, record.BillableAbortedWithUsage
	case f.BillableReason == record.NotBillableStatus:
		f.BillableReason = record.NotBillableStatusWithUsage
	}
}

// fills says whether copy tells an APISIX consumer, a route, a service, a model, a status or an idempotency key that have
// does not know, or has the gateway's own word for a key that have has by a stamp alone, or the runner's stamp.
func fills(have, copy *figures) bool {
	return have.Consumer == nil && copy.Consumer != nil || have.RouteID == nil && copy.RouteID != nil ||
		have.ServiceID == nil && copy.ServiceID != nil || have.Model == nil && copy.Model != nil ||
		!answered(have.Status) && answered(copy.Status) || have.IdempotencyKey == nil && copy.IdempotencyKey != nil ||
		confirms(have, copy) || stamps(have, copy)
}

// confirms says whether copy has the gateway's own word for the key that have has by a stamp.
func confirms(have, copy *figures) bool {
	return have.KeySource == string(record.KeyFromStamp) && copy.KeySource == string(record.KeyFromGateway)
}

// stamps says whether copy has a verified stamp and have has none. A conflict stays one, whatever its stamp.
func stamps(have, copy *figures) bool {
	if copy.KeyState != string(billingkey.Verified) || copy.StampSequence == nil {
		return false
	}
	switch billingkey.State(have.KeyState) {
	case billingkey.Verified:
		return false
	case billingkey.Conflict:
		return have.StampSequence == nil
	default:
		return true
	}
}

// fill takes from copy what have does not know.
func fill(have, copy *figures) {
	if !answered(have.Status) {
		have.Status = either(copy.Status, have.Status)
	}
	if confirms(have, copy) {
		have.KeySource = copy.KeySource
	}
	if stamps(have, copy) {
		takeStamp(have, copy)
	}
	have.Consumer = either(have.Consumer, copy.Consumer)
	have.RouteID = either(have.RouteID, copy.RouteID)
	have.ServiceID = either(have.ServiceID, copy.ServiceID)
	have.Model = either(have.Model, copy.Model)
	have.IdempotencyKey = either(have.IdempotencyKey, copy.IdempotencyKey)
}

// takeStamp puts copy's stamp into have, with all that only a stamp knows.
func takeStamp(have, copy *figures) {
	if have.KeyState != string(billingkey.Conflict) {
		have.KeyState = copy.KeyState
	}
	have.Dimensions, have.StampRunner = copy.Dimensions, copy.StampRunner
	have.StampEpoch, have.StampSequence = copy.StampEpoch, copy.StampSequence
	if hasMark(copy.Marks, markDimensionsCut) {
		have.Marks = addMark(have.Marks, markDimensionsCut)
	}
}

func either[T any](first, second *T) *T {
	if first != nil {
		return first
	}
	return second
}

// takeUsage puts copy's usage in place of have's. Where copy is surer, that those before it differed says nothing any more.
func takeUsage(have, copy *figures) {
	surer := copy.UsageState != have.UsageState
	kept := slices.DeleteFunc(strings.Split(have.Marks, ","), func(m string) bool { // what was said of counts that no longer stand
		return record.IsUsageMark(m) || surer && m == markUsageDiffers
	})
	have.Marks = unionMarks(strings.Join(kept, ","), copy.Marks)
	have.Model = either(copy.Model, have.Model)
	have.PromptTokens, have.CompletionTokens, have.TotalTokens = copy.PromptTokens, copy.CompletionTokens, copy.TotalTokens
	have.CachedTokens, have.CacheWriteTokens = copy.CachedTokens, copy.CacheWriteTokens
	have.ReasoningTokens, have.AudioTokens = copy.ReasoningTokens, copy.AudioTokens
	have.Quantities, have.UsageState, have.UsageShown = copy.Quantities, copy.UsageState, copy.UsageShown
}
