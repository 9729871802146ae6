package ledger

import (
	"math/big"
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
		BillingKey: p.BillingKey, BatchID: p.BatchID, KeySource: p.KeySource, KeyState: p.KeyState,
		IdempotencyKey: p.IdempotencyKey,
		Consumer:       p.Consumer, RouteID: p.RouteID, ServiceID: p.ServiceID, Model: p.Model, Status: p.Status,
		ClientIP: p.ClientIP, Method: p.Method, URI: p.URI, RequestSize: p.RequestSize, ResponseSize: p.ResponseSize,
		RequestTime: p.RequestTime, PromptTokens: p.PromptTokens, CompletionTokens: p.CompletionTokens,
		TotalTokens: p.TotalTokens, CachedTokens: p.CachedTokens, CacheWriteTokens: p.CacheWriteTokens,
		ReasoningTokens: p.ReasoningTokens, AudioTokens: p.AudioTokens, Quantities: p.Quantities,
		UsageState: p.UsageState, UsageShown: p.UsageJSON != nil, Billable: p.Billable, BillableReason: p.BillableReason,
		Dimensions: p.Dimensions, StampRunner: p.StampRunner, StampEpoch: p.StampEpoch, StampSequence: p.StampSequence,
		Marks: p.Marks, Revision: 1,
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

// better says whether copy's usage should stand in place of have's: it is surer of it; or neither is sure, and it lacks
// nothing that have counts, but have counts less or saw no answer.
func better(have, copy *figures) bool {
	if copy.UsageState != have.UsageState {
		return record.UsageState(copy.UsageState).Rank() > record.UsageState(have.UsageState).Rank()
	}
	return have.UsageState != string(record.UsageExact) && covers(copy, have) &&
		(!covers(have, copy) || shows(copy) && !shows(have))
}

// markUsageDiffers marks a record of which two copies are equally sure of different usage; the first one's stands.
const markUsageDiffers = "usage_differs"

// contradicts says whether both are sure of their usage, and differ; or each, sure of a part, counts more of something.
func contradicts(have, copy *figures) bool {
	if have.UsageState != copy.UsageState {
		return false
	}
	more, less := !covers(have, copy), !covers(copy, have)
	switch record.UsageState(have.UsageState) {
	case record.UsageExact:
		return more || less
	case record.UsagePartial:
		return more && less
	default:
		return false
	}
}

// covers says whether a counts all that b does, and nothing lower.
func covers(a, b *figures) bool {
	counts := tokens(a)
	for i, n := range tokens(b) {
		if counts[i] < n {
			return false
		}
	}
	if b.Quantities == nil || a.Quantities != nil && *a.Quantities == *b.Quantities {
		return true
	}
	quantities := quantitiesOf(a)
	for unit, n := range quantitiesOf(b) {
		if quantities[unit] == nil || quantities[unit].Cmp(n) < 0 {
			return false
		}
	}
	return true
}

func quantitiesOf(f *figures) map[string]*big.Int {
	var a amounts
	if f.Quantities != nil {
		a.countQuantities(*f.Quantities, 1)
	}
	return a.quantities
}

// shows says whether a usage object was seen in the answer, be it kept or cut.
func shows(f *figures) bool { return f.UsageShown || hasMark(f.Marks, markUsageCut) }

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
