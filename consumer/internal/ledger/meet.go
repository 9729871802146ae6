package ledger

import (
	"context"
	"fmt"

	"gateway-billing.internal/sql/billingdb"
)

// meet compares the members of a group with the row that holds their key, which this transaction has locked. Those of
// the same request are duplicates, and raise the row if they know better; the others are returned.
func (t *transaction) meet(ctx context.Context, g *group, have *figures, met *encounters) (others []*candidate, err error) {
	c := compare(g, have)
	if c.copies > 0 {
		met.add(g.key[:], c.copies)
	}
	return c.others, t.update(ctx, have, &c)
}

// comparison is what the members of a group are to the row that holds their key.
type comparison struct {
	// now is the row as it should become.
	now figures
	// best is the copy whose usage the row takes, nil when it keeps its own.
	best *candidate
	// filled: it takes something else of a copy.
	filled bool
	// copies is how many are of the row's request, others are those that are not.
	copies int
	others []*candidate
}

// compare settles which members are duplicates of the row, and which of those raise it.
func compare(g *group, have *figures) comparison {
	c := comparison{now: *have}
	for _, m := range g.members {
		if !sameRequest(&c.now, &m.fig) {
			c.others = append(c.others, m)
			continue
		}
		m.result = duplicate
		c.copies++
		raised, filled := join(&c.now, &m.fig)
		if raised {
			c.best = m
		}
		m.raised, c.filled = raised || filled, c.filled || filled
	}
	return c
}

// changes says whether the row becomes another.
func (c *comparison) changes() bool { return c.best != nil || c.filled }

// update makes a stored row, which is have, what the comparison made of it.
func (t *transaction) update(ctx context.Context, have *figures, c *comparison) error {
	now, best := &c.now, c.best
	var changed, change int64
	var err error
	if c.changes() {
		if change, err = t.change(ctx); err != nil {
			return err
		}
	}
	switch {
	case best != nil:
		p := best.row
		takeFigures(&p, now)
		fit(&p, t.limits)
		changed, err = t.q.RaiseRecord(ctx, billingdb.RaiseRecordParams{
			Consumer: p.Consumer, RouteID: p.RouteID, ServiceID: p.ServiceID, Status: p.Status, Model: p.Model,
			ModelRequested: p.ModelRequested, ServiceTier: p.ServiceTier, ProviderResponseID: p.ProviderResponseID,
			Stream: p.Stream, PromptTokens: p.PromptTokens, CompletionTokens: p.CompletionTokens,
			TotalTokens: p.TotalTokens, CachedTokens: p.CachedTokens, CacheWriteTokens: p.CacheWriteTokens,
			ReasoningTokens: p.ReasoningTokens, AudioTokens: p.AudioTokens, Quantities: p.Quantities,
			EstimatedTokens: p.EstimatedTokens, UsageState: p.UsageState, UsageSource: p.UsageSource,
			UsageMismatch: p.UsageMismatch, UsageJSON: p.UsageJSON, Billable: p.Billable,
			BillableReason: p.BillableReason, Marks: p.Marks, KeySource: p.KeySource, KeyState: p.KeyState,
			IdempotencyKey: p.IdempotencyKey, Dimensions: p.Dimensions, StampRunner: p.StampRunner, StampEpoch: p.StampEpoch,
			StampSequence: p.StampSequence, Body: p.Body, ChangeID: change,
			BillingKey: have.BillingKey, ReadUsageState: have.UsageState, ReadRevision: have.Revision,
		})
	case c.filled:
		changed, err = t.q.FillRecord(ctx, billingdb.FillRecordParams{
			Consumer: now.Consumer, RouteID: now.RouteID, ServiceID: now.ServiceID, Model: now.Model,
			Status: now.Status, Billable: now.Billable, BillableReason: now.BillableReason, KeySource: now.KeySource,
			KeyState: now.KeyState, IdempotencyKey: now.IdempotencyKey, Dimensions: now.Dimensions,
			StampRunner: now.StampRunner, StampEpoch: now.StampEpoch, StampSequence: now.StampSequence, ChangeID: change,
			BillingKey: have.BillingKey, ReadUsageState: have.UsageState, ReadRevision: have.Revision,
		})
	}
	if err != nil {
		return fmt.Errorf("raise: %w", err)
	}
	if c.changes() {
		if changed != 1 {
			return fmt.Errorf("raise: the row of key %x changed while it was locked", have.BillingKey)
		}
		t.sums.subtract(have)
		t.sums.add(now)
		now.Revision++
		t.claims.changed(have, now, best, t.rules)
	}
	if best == nil && now.Marks != have.Marks {
		if err := t.q.MarkRecord(ctx, billingdb.MarkRecordParams{Marks: now.Marks, BillingKey: have.BillingKey}); err != nil {
			return fmt.Errorf("mark: %w", err)
		}
	}
	return nil
}

// encounters counts how often each stored row was met again, so that one statement counts all that were met equally
// often: nearly always once.
type encounters map[int][][]byte

func (e *encounters) add(key []byte, times int) {
	if *e == nil {
		*e = encounters{}
	}
	(*e)[times] = append((*e)[times], key)
}

func (e encounters) count(ctx context.Context, q *billingdb.Queries) error {
	for times, keys := range e {
		err := q.CountDuplicates(ctx, billingdb.CountDuplicatesParams{Times: int32(times), BillingKeys: keys})
		if err != nil {
			return fmt.Errorf("count duplicates: %w", err)
		}
	}
	return nil
}
