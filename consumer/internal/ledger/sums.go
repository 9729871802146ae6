package ledger

import (
	"encoding/json"
	"math/big"
	"strconv"
	"time"

	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/sql/billingdb"
)

// unitRequest is the unit that requests are counted by; the other units are named as the ledger's columns.
const unitRequest = "request"

var tokenUnits = [...]string{
	"prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens",
	"audio_tokens",
}

// tokens are a record's counts in the order of tokenUnits.
func tokens(f *figures) [len(tokenUnits)]int64 {
	return [...]int64{
		f.PromptTokens, f.CompletionTokens, f.TotalTokens, f.CachedTokens, f.CacheWriteTokens, f.ReasoningTokens,
		f.AudioTokens,
	}
}

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
	hour                            int64 // since 1970
	consumer, route, service, model optional
	class                           byte // first digit of the status, 0 when it is unknown
	billable                        bool
}

type amounts struct {
	records    int64
	tokens     [len(tokenUnits)]int64
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
		hour:     f.RequestTime.Unix() / 3600,
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
		Hour:     time.Unix(b.hour*3600, 0).UTC(),
		Consumer: b.consumer.pointer(), RouteID: b.route.pointer(), ServiceID: b.service.pointer(),
		Model: b.model.pointer(), Billable: b.billable,
	}
	if b.class != 0 {
		class := strconv.Itoa(int(b.class)) + "xx"
		base.StatusClass = &class
	}
	var all []billingdb.InsertUsageDeltaParams
	add := func(unit, quantity string, records int64) {
		p := base
		p.Unit, p.Quantity, p.Records = unit, quantity, records
		all = append(all, p)
	}
	if a.records != 0 {
		add(unitRequest, strconv.FormatInt(a.records, 10), a.records)
	}
	for i, n := range a.tokens {
		if n != 0 {
			add(tokenUnits[i], strconv.FormatInt(n, 10), 0)
		}
	}
	for unit, n := range a.quantities {
		if n.Sign() != 0 {
			add(unit, formatAmount(n), 0)
		}
	}
	return all
}
