package totals

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/sql/billingdb"
)

// eachDay calls do for the part of [from, to) that lies in each day (UTC) with records or sums, in order.
func (r *Reader) eachDay(ctx context.Context, from, to time.Time, do func(from, to int64) error) error {
	for next, end := from.Unix(), to.Unix(); ; {
		first, found, err := r.next(ctx, next)
		if err != nil {
			return err
		}
		if !found || first >= end {
			return nil
		}
		begun := first / day * day
		if err := do(max(begun, next), min(begun+day, end)); err != nil {
			return err
		}
		if next = begun + day; next >= end {
			return nil
		}
	}
}

// next is the first time from one on that has records or sums.
func (r *Reader) next(ctx context.Context, from int64) (first int64, found bool, err error) {
	q := billingdb.New(r.db)
	take := func(t time.Time, failed error) {
		switch {
		case errors.Is(failed, sql.ErrNoRows):
		case failed != nil:
			err = errors.Join(err, failed)
		case !found || t.Unix() < first:
			first, found = t.Unix(), true
		}
	}
	key, failed := billingkey.NewKey(max(from*1000, 1), [16]byte{})
	if failed != nil {
		return 0, false, failed
	}
	own, failed := q.NextRecordKey(ctx, key[:])
	if failed != nil {
		own = key[:]
	}
	take(time.UnixMilli(billingkey.Key(own).StartMS()), failed)
	take(q.NextDelta(ctx, at(from)))
	for _, l := range levels {
		if l == hourly {
			take(q.NextHourly(ctx, at(from)))
			continue
		}
		take(q.NextRollup(ctx, billingdb.NextRollupParams{Span: int32(l.Span / 60), Cut: l.cut(), TimeFrom: at(from)}))
	}
	adopted, failed := q.HasAdopted(ctx, firstKey)
	if failed != nil || adopted {
		take(q.NextCreated(ctx, at(from)))
	}
	return first, found, err
}
