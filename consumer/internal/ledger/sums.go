package ledger

import (
	"encoding/json"
	"math/big"
	"strconv"
	"time"

	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/sql/billingdb"
)

// unitRequest is the unit that requests are counted by, on whose row their tokens stand too. The other units are those
// of quantities.
const unitRequest = "request"

// tokenKinds is how many columns of tokens there are.
const tokenKinds = 7

// tokens are a record's counts in the order of the table's columns.
func tokens(f *figures) [tokenKinds]int64 {
	return [...]int64{
		f.PromptTokens, f.CompletionTokens, f.TotalTokens, f.CachedTokens, f.CacheWriteTokens, f.ReasoningTokens,
		f.AudioTokens,
	}
}

// secondsOfQuarter is the grain of the sums: no time zone cuts its days finer.
const secondsOfQuarter = 15 * 60

// optional is a text that may be unknown, as a map key.
type optional struct {
	text  string
	known bool
}

func opt(s *string) optional {
	if s == nil {
		return optional{}
	}
	return optional{*s, true}
}

func (o optional) pointer() *string {
	if !o.known {
		return nil
	}
	return &o.text
}

// bucket is what one sum is over.
type bucket struct {
	quarter                         int64 // of an hour, since 1970
	consumer, route, service, model optional
	class                           byte // first digit of the status, 0 when it is unknown
	billable                        bool
}

type amounts struct {
	records, missing, partial int64

	tokens     [tokenKinds]int64
	quantities map[string]*big.Int
}

// sums collects the usage of a transaction's new records, and the differences of the raised ones.
type sums struct {
	buckets map[bucket]*amounts
	// full are sums that would have overflowed: several rows of one bucket are summed like one.
	full []billingdb.InsertUsageDeltaParams
}

func (s *sums) add(f *figures)      { s.count(f, 1) }
func (s *sums) subtract(f *figures) { s.count(f, -1) }

func (s *sums) count(f *figures, sign int64) {
	b := bucket{
		quarter:  f.RequestTime.Unix() / secondsOfQuarter,
		consumer: opt(f.Consumer), route: opt(f.RouteID), service: opt(f.ServiceID), model: opt(f.Model),
		billable: f.Billable,
	}
	if f.Status != nil && *f.Status >= 100 && *f.Status <= 999 {
		b.class = byte(*f.Status / 100)
	}
	if s.buckets == nil {
		s.buckets = map[bucket]*amounts{}
	}
	a := s.buckets[b]
	if a == nil {
		a = &amounts{}
		s.buckets[b] = a
	}
	counts := tokens(f)
	for i, n := range counts {
		if sum := a.tokens[i] + sign*n; (sum > a.tokens[i]) != (sign*n > 0) && n != 0 {
			s.full = append(s.full, b.rows(a)...)
			a = &amounts{}
			s.buckets[b] = a
			break
		}
	}
	a.records += sign
	switch record.UsageState(f.UsageState) {
	case record.UsageMissing:
		a.missing += sign
	case record.UsagePartial:
		a.partial += sign
	}
	for i, n := range counts {
		a.tokens[i] += sign * n
	}
	if f.Quantities != nil {
		a.countQuantities(*f.Quantities, sign)
	}
}

// countQuantities adds what guard.quantities let through.
func (a *amounts) countQuantities(text string, sign int64) {
	var all []record.Quantity
	if json.Unmarshal([]byte(text), &all) != nil {
		return // not written by this ledger
	}
	if a.quantities == nil {
		a.quantities = map[string]*big.Int{}
	}
	for _, q := range all {
		n, ok := parseAmount(q.Amount)
		if !ok {
			continue
		}
		if a.quantities[q.Unit] == nil {
			a.quantities[q.Unit] = new(big.Int)
		}
		a.quantities[q.Unit].Add(a.quantities[q.Unit], n.Mul(n, big.NewInt(sign)))
	}
}

// rows are the rows to append. A sum of nothing needs none.
func (s *sums) rows() []billingdb.InsertUsageDeltaParams {
	all := s.full
	for b, a := range s.buckets {
		all = append(all, b.rows(a)...)
	}
	return all
}

func (b bucket) rows(a *amounts) []billingdb.InsertUsageDeltaParams {
	base := billingdb.InsertUsageDeltaParams{
		Quarter:  time.Unix(b.quarter*secondsOfQuarter, 0).UTC(),
		Consumer: b.consumer.pointer(), RouteID: b.route.pointer(), ServiceID: b.service.pointer(),
		Model: b.model.pointer(), Billable: b.billable,
	}
	if b.class != 0 {
		class := strconv.Itoa(int(b.class)) + "xx"
		base.StatusClass = &class
	}
	whole := func(n int64) string { return strconv.FormatInt(n, 10) }
	sumOf := func(unit, quantity string, a *amounts) billingdb.InsertUsageDeltaParams {
		p := base
		p.Unit, p.Quantity, p.Records, p.UsageMissing, p.UsagePartial = unit, quantity, a.records, a.missing, a.partial
		p.PromptTokens, p.CompletionTokens, p.TotalTokens = whole(a.tokens[0]), whole(a.tokens[1]), whole(a.tokens[2])
		p.CachedTokens, p.CacheWriteTokens = whole(a.tokens[3]), whole(a.tokens[4])
		p.ReasoningTokens, p.AudioTokens = whole(a.tokens[5]), whole(a.tokens[6])
		return p
	}
	var all []billingdb.InsertUsageDeltaParams
	if a.records != 0 || a.missing != 0 || a.partial != 0 || a.tokens != [tokenKinds]int64{} {
		all = append(all, sumOf(unitRequest, whole(a.records), a))
	}
	for unit, n := range a.quantities {
		if n.Sign() != 0 {
			all = append(all, sumOf(unit, formatAmount(n), &amounts{}))
		}
	}
	return all
}
