package totals

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"gateway-billing.internal/consumer/internal/ledger/coalesce"
	"gateway-billing.internal/sql/billingdb"
)

// RebuildDay makes the sums of the day (UTC) that holds a time those of its records, as one transaction, and says how many
// were not. It adds what is missing and takes away what is too much, as of one moment: what others write and fold meanwhile
// changes records and sums alike, so it may go on. Another rebuild would do the same once more, so there is one at a time.
// The error is ErrPruned where records of that day are gone.
func (r *Reader) RebuildDay(ctx context.Context, in time.Time, limits coalesce.Limits) (mended int, err error) {
	tx, err := r.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	if _, err := billingdb.New(tx).LockUsageRebuild(ctx); err != nil {
		return 0, fmt.Errorf("another rebuild may be running: %w", err)
	}
	from := in.Unix() / day * day
	var all []comparison
	err = r.snapshot(ctx, func(s *snapshot) error { // begins behind the lock, so it sees what the last rebuild did
		horizon, err := s.horizon(ctx)
		if err != nil {
			return err
		}
		if at(from).Before(horizon) {
			return fmt.Errorf("%w: the ledger was pruned up to %s", ErrPruned, horizon.Format(time.RFC3339))
		}
		all, _, err = s.compare(ctx, from, from+day)
		return err
	})
	if err != nil {
		return 0, err
	}
	for _, c := range all {
		missing := c.missing()
		mended += len(missing)
		if err := missing.write(ctx, c.level, tx, limits); err != nil {
			return 0, err
		}
	}
	return mended, tx.Commit()
}

// Days calls do with each day (UTC) in [from, to) that has records or sums.
func (r *Reader) Days(ctx context.Context, from, to time.Time, do func(day time.Time) error) error {
	return r.eachDay(ctx, from, to, func(from, _ int64) error { return do(at(from)) })
}
