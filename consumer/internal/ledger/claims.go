package ledger

import (
	"context"
	"fmt"

	"gateway-billing.internal/consumer/internal/ledger/coalesce"
	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/sql/billingdb"
)

// settleClaims decides which of the transaction's records are repeats of an order, under the locks of their claims.
func (t *transaction) settleClaims(ctx context.Context) error {
	for _, f := range t.claims.freed {
		if err := t.setBillable(ctx, f.fig, billingdb.SetBillableParams{
			Billable: f.billable, BillableReason: f.reason, Raise: 1,
		}); err != nil {
			return err
		}
	}
	ids := t.claims.ids()
	if len(ids) == 0 {
		return nil
	}
	held, err := t.lockClaims(ctx, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := t.settleClaim(ctx, id, held[id]); err != nil {
			return err
		}
	}
	return nil
}

// lockClaims makes the claims that are not there yet, and reads who holds them all.
func (t *transaction) lockClaims(ctx context.Context, ids []claimID) (map[claimID]holder, error) {
	batch := coalesce.New(t.tx, t.limits)
	q := billingdb.New(batch)
	all := make([][]byte, len(ids))
	for i, id := range ids {
		all[i] = ids[i][:]
		first := t.claims.byClaim[id][0].holding()
		if err := q.InsertClaim(ctx, billingdb.InsertClaimParams{
			Claim: all[i], BillingKey: first.key[:], RequestTime: first.time, Success: first.success,
		}); err != nil {
			return nil, err
		}
	}
	if _, err := batch.Flush(ctx); err != nil {
		return nil, err
	}
	rows, err := t.q.HeldClaims(ctx, all)
	if err != nil {
		return nil, err
	}
	held := make(map[claimID]holder, len(rows))
	for _, r := range rows {
		held[claimID(r.Claim)] = holder{billingkey.Key(r.BillingKey), r.RequestTime, r.Success}
	}
	return held, nil
}

// settleClaim deals with those who claim the same, one after the other.
func (t *transaction) settleClaim(ctx context.Context, id claimID, held holder) error {
	had := held
	for _, who := range t.claims.byClaim[id] {
		if who.gone && who.holding().key == held.key {
			held = held.givenUp()
		}
	}
	rows := map[billingkey.Key]*claimant{}
	for _, who := range t.claims.byClaim[id] {
		if who.gone {
			continue
		}
		now := who.holding()
		rows[now.key] = who
		if now.key == held.key {
			continue
		}
		switch t.rules.judge(held, who) {
		case fateRepeat:
			if err := t.repeat(ctx, id, who.fig, who.new); err != nil {
				return err
			}
		case fateTakes:
			if err := t.depose(ctx, id, held.key, rows[held.key]); err != nil {
				return err
			}
			held = now
		case fateOther:
			if now.time.After(held.time) {
				held = now
			}
		}
	}
	if held == had {
		return nil
	}
	return t.q.MoveClaim(ctx, billingdb.MoveClaimParams{
		BillingKey: held.key[:], RequestTime: held.time, Success: held.success, Claim: id[:],
	})
}

// depose makes a repeat of who held a claim; own is its row where it is one of this transaction.
func (t *transaction) depose(ctx context.Context, id claimID, key billingkey.Key, own *claimant) error {
	if own != nil {
		return t.repeat(ctx, id, own.fig, own.new)
	}
	rows, err := t.q.LockRecords(ctx, [][]byte{key[:]})
	if err != nil || len(rows) == 0 { // a holder whose record was pruned is billed and gone
		return err
	}
	f := figures(rows[0])
	return t.repeat(ctx, id, &f, false)
}

// repeat makes a row a repeat of the order that a claim stands for.
func (t *transaction) repeat(ctx context.Context, id claimID, f *figures, isNew bool) error {
	p := billingdb.SetBillableParams{BillableReason: reasonRepeat, RepeatOf: id[:], Raise: 1}
	if isNew {
		p.Raise = 0
	}
	return t.setBillable(ctx, f, p)
}

// setBillable changes whether a locked row counts, in sums and table. Of p it sets which row that is.
func (t *transaction) setBillable(ctx context.Context, f *figures, p billingdb.SetBillableParams) error {
	var err error
	if p.ChangeID, err = t.change(ctx); err != nil {
		return err
	}
	p.BillingKey, p.ReadRevision = f.BillingKey, f.Revision
	changed, err := t.q.SetBillable(ctx, p)
	if err != nil {
		return err
	}
	if changed != 1 {
		return fmt.Errorf("the row of key %x changed while it was locked", f.BillingKey)
	}
	t.sums.subtract(f)
	f.Billable, f.BillableReason, f.Revision = p.Billable, p.BillableReason, f.Revision+p.Raise
	t.sums.add(f)
	return nil
}
