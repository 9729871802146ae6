package totals

import (
	"context"
	"fmt"
	"slices"

	"gateway-billing.internal/consumer/internal/ledger/coalesce"
	"gateway-billing.internal/sql/billingdb"
)

const (
	// foldPage is how many deltas one transaction folds: many share their buckets, so more of them take less work each; few
	// enough to hold their locks for moments only.
	foldPage = 8000
	// deletePage is how many ids one statement names.
	deletePage = 1000
)

// Fold moves deltas that nobody else works on to the sums of all levels, as one part of a transaction (READ COMMITTED), and
// says how many, and whether that may not be all.
func Fold(ctx context.Context, tx billingdb.DBTX, limits coalesce.Limits) (folded int, more bool, err error) {
	q := billingdb.New(tx)
	deltas, err := q.TakeUsageDeltas(ctx, foldPage)
	if err != nil || len(deltas) == 0 {
		return 0, false, err
	}
	ids := make([]int64, len(deltas))
	quarters := buckets{}
	for i := range deltas {
		ids[i] = deltas[i].ID
		if err := addRow(rowOf(&deltas[i]), quarters.add); err != nil {
			return 0, false, err
		}
	}
	for _, l := range levels {
		if err := quarters.at(l).write(ctx, l, tx, limits); err != nil {
			return 0, false, err
		}
	}
	for part := range slices.Chunk(ids, deletePage) {
		n, err := q.DeleteUsageDeltas(ctx, part)
		if err != nil {
			return 0, false, err
		}
		if int(n) != len(part) {
			return 0, false, fmt.Errorf("%d of %d locked deltas were there to delete", n, len(part))
		}
	}
	return len(deltas), len(deltas) == foldPage, nil
}
