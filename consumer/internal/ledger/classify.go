package ledger

import (
	"slices"
	"strings"

	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/sql/billingdb"
)

// figures is what decides between duplicate, conflict and better copy, and what the sums count: of a stored row, or of
// a copy on its way to one.
type figures = billingdb.StoredRecordsRow

// figuresOf is a row as it would be read back.
func figuresOf(p *row) figures {
	return figures{
		BillingKey: p.BillingKey, BatchID: p.BatchID, KeySource: p.KeySource, IdempotencyKey: p.IdempotencyKey,
		Consumer: p.Consumer, RouteID: p.RouteID, ServiceID: p.ServiceID, Model: p.Model, Status: p.Status,
		ClientIP: p.ClientIP, Method: p.Method, URI: p.URI, RequestSize: p.RequestSize, ResponseSize: p.ResponseSize,
		RequestTime: p.RequestTime, PromptTokens: p.PromptTokens, CompletionTokens: p.CompletionTokens,
		TotalTokens: p.TotalTokens, CachedTokens: p.CachedTokens, CacheWriteTokens: p.CacheWriteTokens,
		ReasoningTokens: p.ReasoningTokens, AudioTokens: p.AudioTokens, Quantities: p.Quantities,
		UsageState: p.UsageState, Billable: p.Billable, BillableReason: p.BillableReason, Marks: p.Marks, Revision: 1,
	}
}

// sameRequest says whether two copies with one key are of one request. What either does not know decides nothing. A
// key out of a stamp is a weaker proof than the gateway's own word, since a stamp can be sent again by whoever saw it:
// then everything that the gateway saw of the request must agree too. Of the URI only the path counts: what is cut out
// of its query is a policy, and the same copy must be the same next year.
func sameRequest(a, b *figures) bool {
	if differ(a.Consumer, b.Consumer) || differ(a.RouteID, b.RouteID) {
		return false
	}
	if a.KeySource != string(record.KeyFromStamp) && b.KeySource != string(record.KeyFromStamp) {
		return true
	}
	return !differ(a.ClientIP, b.ClientIP) && !differ(a.Method, b.Method) && !differ(path(a.URI), path(b.URI)) &&
		!differ(a.Status, b.Status) && !differ(a.RequestSize, b.RequestSize) && !differ(a.ResponseSize, b.ResponseSize)
}

func differ[T comparable](a, b *T) bool { return a != nil && b != nil && *a != *b }

func path(uri *string) *string {
	if uri == nil {
		return nil
	}
	p, _, _ := strings.Cut(*uri, "?")
	return &p
}

// better says whether copy's usage should stand in place of have's.
func better(have, copy *figures) bool {
	return record.UsageState(copy.UsageState).Rank() > record.UsageState(have.UsageState).Rank()
}

// fills says whether copy tells an APISIX consumer, a route, a service, a status or an idempotency key that have does
// not know, or has the gateway's own word for a key that have has by a stamp alone.
func fills(have, copy *figures) bool {
	return have.Consumer == nil && copy.Consumer != nil || have.RouteID == nil && copy.RouteID != nil ||
		have.ServiceID == nil && copy.ServiceID != nil || have.Status == nil && copy.Status != nil ||
		have.IdempotencyKey == nil && copy.IdempotencyKey != nil || confirms(have, copy)
}

// confirms says whether copy has the gateway's own word for the key that have has by a stamp.
func confirms(have, copy *figures) bool {
	return have.KeySource == string(record.KeyFromStamp) && copy.KeySource == string(record.KeyFromGateway)
}

// markUsageDiffers marks a record of which two copies are sure of different usage; the first one's stands.
const markUsageDiffers = "usage_differs"

// contradicts says whether both are sure of their usage, and differ.
func contradicts(have, copy *figures) bool {
	exact := string(record.UsageExact)
	return have.UsageState == exact && copy.UsageState == exact &&
		(tokens(have) != tokens(copy) || (have.Quantities == nil) != (copy.Quantities == nil) ||
			differ(have.Quantities, copy.Quantities))
}

// fill takes from copy what have does not know. Whether a request is billable hangs on its status: it comes along.
func fill(have, copy *figures) {
	if have.Status == nil && copy.Status != nil {
		have.Status, have.Billable, have.BillableReason = copy.Status, copy.Billable, copy.BillableReason
	}
	if confirms(have, copy) {
		have.KeySource = copy.KeySource
	}
	have.Consumer = either(have.Consumer, copy.Consumer)
	have.RouteID = either(have.RouteID, copy.RouteID)
	have.ServiceID = either(have.ServiceID, copy.ServiceID)
	have.IdempotencyKey = either(have.IdempotencyKey, copy.IdempotencyKey)
}

func either[T any](first, second *T) *T {
	if first != nil {
		return first
	}
	return second
}

// takeUsage puts copy's usage in place of have's. A request that its client gave up is billable for what it consumed
// alone: that comes along.
func takeUsage(have, copy *figures) {
	have.Model = either(copy.Model, have.Model)
	have.PromptTokens, have.CompletionTokens, have.TotalTokens = copy.PromptTokens, copy.CompletionTokens, copy.TotalTokens
	have.CachedTokens, have.CacheWriteTokens = copy.CachedTokens, copy.CacheWriteTokens
	have.ReasoningTokens, have.AudioTokens = copy.ReasoningTokens, copy.AudioTokens
	have.Quantities, have.UsageState = copy.Quantities, copy.UsageState
	if have.BillableReason == record.NotBillableAborted {
		have.Billable, have.BillableReason = copy.Billable, copy.BillableReason
	}
	have.Marks = unionMarks(withoutUsageMarks(have.Marks), copy.Marks)
}

// withoutUsageMarks leaves out what was said of counts that no longer stand.
func withoutUsageMarks(joined string) string {
	return strings.Join(slices.DeleteFunc(strings.Split(joined, ","), record.IsUsageMark), ",")
}

func unionMarks(a, b string) string {
	switch {
	case a == b || b == "":
		return a
	case a == "":
		return b
	}
	return joinMarks(append(strings.Split(a, ","), strings.Split(b, ",")...))
}

func hasMark(joined, mark string) bool {
	return strings.Contains(","+joined+",", ","+mark+",")
}
