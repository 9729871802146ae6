package totals

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"gateway-billing.internal/consumer/internal/decimal"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/sql/billingdb"
)

// ErrPruned is a question that only records can answer, for a time from which the ledger has lost some.
var ErrPruned = errors.New("the records of that time are pruned")

// recordsByDimensions sums the records of [from, to).
func (s *snapshot) recordsByDimensions(ctx context.Context, from, to int64, g *groups) error {
	horizon, err := s.horizon(ctx)
	if err != nil {
		return err
	}
	if at(from).Before(horizon) {
		return fmt.Errorf("%w: dimensions are known from %s on", ErrPruned, horizon.Format(time.RFC3339))
	}
	return s.records(ctx, from, to, g.add)
}

// horizon is the time before which the ledger is pruned, the zero time where it is whole.
func (s *snapshot) horizon(ctx context.Context) (time.Time, error) {
	horizon, err := s.q.Horizon(ctx)
	if err != nil {
		return time.Time{}, fmt.Errorf("horizon: %w", err)
	}
	return horizon.Time, nil
}

// records reads the records whose requests began in [from, to), one by one.
func (s *snapshot) records(ctx context.Context, from, to int64, add adder) error {
	last := [16]byte(bytes.Repeat([]byte{0xff}, 16))
	after, err := billingkey.NewKey(max(from*1000-1, 0), last) // keys of the first ms of 1970 are an older consumer's
	if err != nil {
		return fmt.Errorf("records: %w", err)
	}
	until, err := billingkey.NewKey(to*1000-1, last)
	if err != nil {
		return fmt.Errorf("records: %w", err)
	}
	p := billingdb.RecordsToSumParams{AfterKey: after[:], LastKey: until[:], Limit: page}
	for {
		rows, err := s.q.RecordsToSum(ctx, p)
		if err != nil {
			return fmt.Errorf("records: %w", err)
		}
		for i := range rows {
			if err := addRecord(&rows[i], add); err != nil {
				return err
			}
		}
		if len(rows) < page {
			return s.adopted(ctx, from, to, add)
		}
		p.AfterKey = rows[len(rows)-1].BillingKey
	}
}

// firstKey is before every key that has a time: those of an older consumer's records begin with zeros.
var firstKey = []byte{0, 0, 0, 0, 0, 1}

// adopted reads the records of an older consumer.
func (s *snapshot) adopted(ctx context.Context, from, to int64, add adder) error {
	if found, err := s.q.HasAdopted(ctx, firstKey); err != nil || !found {
		return err
	}
	p := billingdb.AdoptedToSumParams{
		TimeFrom: at(from), TimeTo: at(to), AfterTime: at(from - 1), FirstKey: firstKey, Limit: page,
	}
	for {
		rows, err := s.q.AdoptedToSum(ctx, p)
		if err != nil {
			return fmt.Errorf("records of an older consumer: %w", err)
		}
		for _, r := range rows {
			err := addRecord(&billingdb.RecordsToSumRow{
				BillingKey: r.BillingKey, RequestTime: r.RequestTime, Consumer: r.Consumer, RouteID: r.RouteID,
				ServiceID: r.ServiceID, Model: r.Model, Status: r.Status, Billable: r.Billable, UsageState: r.UsageState,
				PromptTokens: r.PromptTokens, CompletionTokens: r.CompletionTokens, TotalTokens: r.TotalTokens,
				CachedTokens: r.CachedTokens, CacheWriteTokens: r.CacheWriteTokens, ReasoningTokens: r.ReasoningTokens,
				AudioTokens: r.AudioTokens, Quantities: r.Quantities, Dimensions: r.Dimensions,
			}, add)
			if err != nil {
				return err
			}
		}
		if len(rows) < page {
			return nil
		}
		last := rows[len(rows)-1]
		p.AfterTime, p.AfterID = last.RequestTime, last.ID // it was written when it was requested
	}
}

// addRecord adds one record. It reads the columns for itself and not by the writer's code, which it may have to check.
func addRecord(r *billingdb.RecordsToSumRow, add adder) error {
	n := names{consumer: r.Consumer, route: r.RouteID, service: r.ServiceID, model: r.Model, billable: r.Billable}
	if r.Status != nil && *r.Status >= 100 && *r.Status <= 999 {
		class := strconv.Itoa(int(*r.Status/100)) + "xx"
		n.status = &class
	}
	if r.Dimensions != nil {
		if err := json.Unmarshal([]byte(*r.Dimensions), &n.dimensions); err != nil {
			return fmt.Errorf("record %x: its dimensions are no JSON object of strings", r.BillingKey)
		}
	}
	s := Sums{Records: 1}
	switch record.UsageState(r.UsageState) {
	case record.UsageMissing:
		s.UsageMissing = 1
	case record.UsagePartial:
		s.UsagePartial = 1
	}
	counts := [...]int64{
		r.PromptTokens, r.CompletionTokens, r.TotalTokens, r.CachedTokens, r.CacheWriteTokens, r.ReasoningTokens, r.AudioTokens,
	}
	for i, count := range s.tokens() {
		*count = decimal.CountOf(counts[i])
	}
	if r.Quantities != nil {
		var all []record.Quantity
		if err := json.Unmarshal([]byte(*r.Quantities), &all); err != nil {
			return fmt.Errorf("record %x: its quantities are no JSON array", r.BillingKey)
		}
		for _, q := range all {
			amount, err := decimal.ParseAmount(q.Amount)
			if err != nil {
				return fmt.Errorf("record %x: quantity of %q: %w", r.BillingKey, q.Unit, err)
			}
			s.addQuantity(q.Unit, amount)
		}
	}
	return add(r.RequestTime.Unix(), &n, &s)
}
