package totals

import (
	"context"
	"fmt"
	"math"

	"gateway-billing.internal/consumer/internal/ledger/coalesce"
	"gateway-billing.internal/sql/billingdb"
)

const (
	// foldPages is how many pages of deltas one transaction folds: many share their buckets, so more of them take less work
	// each; few enough to hold their locks for moments only.
	foldPages = 16
)

// Fold moves deltas that nobody else works on to the sums of all levels, as one part of a transaction (READ COMMITTED), and
// says how many, and whether that may not be all.
func Fold(ctx context.Context, tx billingdb.DBTX, limits coalesce.Limits) (folded int, more bool, err error) {
	q := billingdb.New(tx)
	quarters := buckets{}
	var ids []int64
	p := billingdb.TakeUsageDeltasParams{AfterID: math.MinInt64, Limit: page}
	for more = true; more && len(ids) < foldPages*page; {
		deltas, err := q.TakeUsageDeltas(ctx, p)
		if err != nil {
			return 0, false, err
		}
		for i := range deltas {
			if err := addRow(rowOf(&deltas[i]), quarters.add); err != nil {
				return 0, false, err
			}
			p.AfterID = deltas[i].ID
			ids = append(ids, p.AfterID)
		}
		more = len(deltas) == page
	}
	for _, l := range levels {
		if err := quarters.at(l).write(ctx, l, tx, limits); err != nil {
			return 0, false, err
		}
	}
	done := coalesce.New(tx, limits)
	for _, id := range ids {
		if err := billingdb.New(done).DeleteUsageDelta(ctx, id); err != nil {
			return 0, false, err
		}
	}
	n, err := done.Flush(ctx)
	if err == nil && int(n) != len(ids) {
		err = fmt.Errorf("%d of %d locked deltas were there to delete", n, len(ids))
	}
	return len(ids), more, err
}
