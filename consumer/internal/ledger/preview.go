package ledger

import (
	"context"
	"fmt"

	"gateway-billing.internal/consumer/internal/deadletter"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/sql/billingdb"
)

// maxForeseen bounds the rows that a preview remembers as if they were written, about 1 KiB each.
const maxForeseen = 200_000

// Preview says what would become of units, without writing anything. It reads the rows that hold their keys and compares
// with the code that a transaction compares with; what it would have written it keeps in memory and compares with too.
// (A real transaction that is rolled back would need no memory, but it locks the rows of the live consumer, and needs
// rights to write: this runs on a replica as well.) What others write meanwhile may make it wrong. It is not safe for
// concurrent use.
type Preview struct {
	store *Store
	// foreseen are rows as they would be by now, order their keys in the order of their coming.
	foreseen map[billingkey.Key]*figures
	order    []billingkey.Key
	limit    int
	// Forgot is true when there were more of them than are kept: copies that lie further apart count as new then.
	Forgot bool
}

// Foreseen is what would become of one entry: Record or Reject is set.
type Foreseen struct {
	Record *record.Record
	Reject *record.Reject
	// Fate is "new", "duplicate", "conflict" or "rejected".
	Fate string
	// Key is the one under which the record stands or would stand; for a reject the one that was computed, if any.
	Key *billingkey.Key
	// Raised: a duplicate that brings better usage or missing names.
	Raised bool
}

// The fates of an entry.
const (
	FateNew       = "new"
	FateDuplicate = "duplicate"
	FateConflict  = "conflict"
	FateRejected  = "rejected"
)

// NewPreview begins a preview.
func (s *Store) NewPreview() *Preview {
	return &Preview{store: s, foreseen: map[billingkey.Key]*figures{}, limit: maxForeseen}
}

// Units says what would become of the entries of units, in their order within each unit: its records, then its rejects.
func (p *Preview) Units(ctx context.Context, units []record.Unit) ([]Foreseen, error) {
	var items []*item
	var candidates []*candidate
	for i := range units {
		items = append(items, itemsOf(&units[i], &Outcome{})...)
	}
	horizon, err := billingdb.New(p.store.db).Horizon(ctx)
	if err != nil {
		return nil, fmt.Errorf("horizon: %w", err)
	}
	rejectBefore(horizon.Time, items)
	for _, it := range items {
		if it.candidate != nil {
			it.candidate.reset()
			candidates = append(candidates, it.candidate)
		}
	}
	for range maxRounds {
		if len(candidates) == 0 {
			break
		}
		var err error
		if candidates, err = p.round(ctx, candidates); err != nil {
			return nil, err
		}
	}
	lost := map[*candidate]bool{} // a transaction would blame them alone
	for _, c := range candidates {
		lost[c] = true
	}
	all := make([]Foreseen, len(items))
	for i, it := range items {
		all[i] = it.foreseen(lost)
	}
	return all, nil
}

// round is transaction.round without its statements.
func (p *Preview) round(ctx context.Context, candidates []*candidate) (moved []*candidate, err error) {
	groups := gather(candidates)
	stored, err := p.read(ctx, groups)
	if err != nil {
		return nil, err
	}
	for _, g := range groups {
		have := p.foreseen[g.key]
		if have == nil {
			have = stored[g.key]
		}
		if have == nil {
			row, copies, others := g.merge()
			made := fresh{fig: figuresOf(&row), copies: copies, others: others}
			p.remember(g.key, &made.fig)
			moved = append(moved, made.settle(g)...)
			continue
		}
		c := compare(g, have)
		if c.changes() {
			p.remember(g.key, &c.now)
		}
		moved = append(moved, c.others...)
	}
	for _, c := range moved {
		c.move()
	}
	return moved, nil
}

// read reads the rows that are there, in pieces as large as the rows of a transaction.
func (p *Preview) read(ctx context.Context, groups []*group) (map[billingkey.Key]*figures, error) {
	stored := map[billingkey.Key]*figures{}
	for len(groups) > 0 {
		some := groups[:min(len(groups), p.store.options.MaxRows)]
		groups = groups[len(some):]
		keys := make([][]byte, len(some))
		for i, g := range some {
			keys[i] = g.key[:]
		}
		rows, err := billingdb.New(p.store.db).StoredRecords(ctx, keys)
		if err != nil {
			return nil, fmt.Errorf("read: %w", err)
		}
		for i := range rows {
			stored[billingkey.Key(rows[i].BillingKey)] = &rows[i]
		}
	}
	return stored, nil
}

func (p *Preview) remember(key billingkey.Key, f *figures) {
	if p.foreseen[key] == nil {
		p.order = append(p.order, key)
	}
	p.foreseen[key] = f
	if len(p.order) > p.limit {
		p.Forgot = true
		delete(p.foreseen, p.order[0])
		p.order = p.order[1:]
	}
}

// foreseen is what the rounds made of the item.
func (it *item) foreseen(lost map[*candidate]bool) Foreseen {
	if it.reject != nil {
		return Foreseen{Reject: it.reject, Fate: FateRejected, Key: it.reject.Key}
	}
	c := it.candidate
	if lost[c] {
		r := rejectOf(it.unit, c.rec, deadletter.ReasonPoison, errRounds.Error())
		return Foreseen{Reject: r, Fate: FateRejected, Key: r.Key}
	}
	f := Foreseen{Record: c.rec, Fate: FateNew, Key: &c.key, Raised: c.raised}
	switch c.result {
	case recorded:
	case duplicate:
		f.Fate = FateDuplicate
	case conflict:
		f.Fate = FateConflict
	}
	return f
}
