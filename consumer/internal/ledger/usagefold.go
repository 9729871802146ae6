package ledger

import (
	"context"
	"database/sql"
	"fmt"

	"gateway-billing.internal/consumer/internal/ledger/totals"
)

// FoldUsage moves what usage_delta holds into usage_hourly and usage_rollup until nothing is left that nobody else works on,
// and says how many deltas it moved. Any number of processes may fold at once: each takes rows that no other has, and a
// delta leaves in the transaction that adds it, so the sum over deltas and what is folded, in one statement or snapshot,
// never changes by folding.
func (s *Store) FoldUsage(ctx context.Context) (folded int, err error) {
	for more := true; more; {
		var n int
		if err := again(ctx, func() (err error) { n, more, err = s.foldUsagePage(ctx); return err }); err != nil {
			return folded, fmt.Errorf("fold usage: %w", withoutContent(err))
		}
		folded += n
	}
	return folded, nil
}

func (s *Store) foldUsagePage(ctx context.Context) (folded int, more bool, err error) {
	limits, err := s.limits(ctx)
	if err != nil {
		return 0, false, err
	}
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return 0, false, err
	}
	defer tx.Rollback()
	if folded, more, err = totals.Fold(ctx, tx, limits); err != nil || folded == 0 {
		return 0, false, err
	}
	return folded, more, tx.Commit()
}
