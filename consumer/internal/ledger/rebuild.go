package ledger

import (
	"context"
	"fmt"
	"time"

	"gateway-billing.internal/consumer/internal/ledger/totals"
)

// RebuildUsage makes the sums of all days (UTC) that overlap [from, to) those of their records, one transaction a day, and
// says how many sums were not. Anybody may write, fold and rebuild meanwhile, and whoever interrupts it calls it again. The
// error is totals.ErrPruned where records of such a day are gone: their sums are all that is left.
func (s *Store) RebuildUsage(ctx context.Context, from, to time.Time, progress func(day time.Time, mended int)) (mended int, err error) {
	reader := totals.New(s.db)
	err = reader.Days(ctx, from.UTC().Truncate(24*time.Hour), to, func(day time.Time) error {
		limits, err := s.limits(ctx)
		if err != nil {
			return err
		}
		var n int
		if err := again(ctx, func() (err error) { n, err = reader.RebuildDay(ctx, day, limits); return err }); err != nil {
			return fmt.Errorf("%s: %w", day.Format(time.DateOnly), err)
		}
		mended += n
		progress(day, n)
		return nil
	})
	if err != nil {
		return mended, fmt.Errorf("rebuild usage: %w", withoutContent(err))
	}
	return mended, nil
}
