package ledger

import (
	"context"
	"database/sql"
	"fmt"

	"gateway-billing.internal/consumer/internal/ledger/totals"
	"gateway-billing.internal/sql/billingdb"
)

// usagePage is how many deltas one transaction folds: few enough to hold its locks for moments only.
const usagePage = 1000

// FoldUsage moves what usage_delta holds into usage_hourly and usage_rollup until nothing is left that nobody else works on, and says how
// many deltas it moved. Any number of processes may fold at once: each takes rows that no other has, and a delta leaves in
// the transaction that adds it, so the sum over both tables in one statement never changes by folding.
func (s *Store) FoldUsage(ctx context.Context) (folded int, err error) {
	for {
		var n int
		if err := again(ctx, func() (err error) { n, err = s.foldUsagePage(ctx); return err }); err != nil {
			return folded, fmt.Errorf("fold usage: %w", withoutContent(err))
		}
		folded += n
		if n < usagePage {
			return folded, nil
		}
	}
}

func (s *Store) foldUsagePage(ctx context.Context) (int, error) {
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	q := billingdb.New(tx)
	ids, err := q.TakeUsageDeltas(ctx, usagePage)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	if err := q.AddUsageHourly(ctx, ids); err != nil {
		return 0, err
	}
	for _, r := range totals.Rollups {
		if err := q.AddUsageRollup(ctx, r.Add(ids)); err != nil {
			return 0, err
		}
	}
	deleted, err := q.DeleteUsageDeltas(ctx, ids)
	if err != nil {
		return 0, err
	}
	if int(deleted) != len(ids) {
		return 0, fmt.Errorf("%d of %d locked deltas were there to delete", deleted, len(ids))
	}
	return len(ids), tx.Commit()
}
