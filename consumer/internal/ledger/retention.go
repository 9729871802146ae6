package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/sql/billingdb"
	"gateway-billing.internal/sql/probe"
)

// pruneChunk is how many rows one statement of retention touches: few enough that nobody waits for its locks.
const pruneChunk = 500

// Progress is told of each chunk how many rows it touched.
type Progress func(rows int64)

// PruneBodies empties the bodies of the records that were written before a time, and returns how many. It goes on where
// the last one ended, and any number may run at once.
func (s *Store) PruneBodies(ctx context.Context, before time.Time, progress Progress) (emptied int64, err error) {
	q := billingdb.New(s.db)
	after, err := q.BodiesPosition(ctx)
	if err != nil {
		return 0, fmt.Errorf("prune bodies: %w", err)
	}
	for {
		rows, err := q.RecordsAfter(ctx, billingdb.RecordsAfterParams{After: after, Limit: pruneChunk})
		if err != nil {
			return emptied, fmt.Errorf("prune bodies: %w", err)
		}
		last, young := after, false
		for _, r := range rows {
			if young = !r.CreateTime.Before(before); young {
				break // what lies behind it is younger, but for rows that were written at the same time
			}
			last = r.ID
		}
		if last > after {
			var n int64
			if err := again(ctx, func() (err error) {
				n, err = q.EmptyBodies(ctx, billingdb.EmptyBodiesParams{After: after, Last: last})
				return err
			}); err != nil {
				return emptied, fmt.Errorf("prune bodies: %w", err)
			}
			if err := q.MoveBodiesPosition(ctx, billingdb.MoveBodiesPositionParams{Position: last}); err != nil {
				return emptied, fmt.Errorf("prune bodies: %w", err)
			}
			emptied += n
			progress(n)
		}
		if after = last; young || len(rows) < pruneChunk {
			return emptied, nil
		}
	}
}

// PruneDeadLetters deletes dead letters that were redriven or discarded before a time, with their audit, and returns how
// many. One that is pending stays, however old: it may be a request that is not billed yet.
func (s *Store) PruneDeadLetters(ctx context.Context, before time.Time, progress Progress) (deleted int64, err error) {
	for {
		rows, err := billingdb.New(s.db).SettledDeadLetters(ctx, billingdb.SettledDeadLettersParams{Before: before, Limit: pruneChunk})
		if err != nil || len(rows) == 0 {
			return deleted, wrap("prune dead letters", err)
		}
		ids, bodies := make([]int64, len(rows)), make([][]byte, len(rows))
		for i, r := range rows {
			ids[i], bodies[i] = r.ID, r.BodySha256
		}
		var n int64
		if err := again(ctx, func() (err error) {
			n, err = s.deleteDeadLetters(ctx, ids, bodies)
			return err
		}); err != nil {
			return deleted, fmt.Errorf("prune dead letters: %w", err)
		}
		deleted += n
		progress(n)
	}
}

func (s *Store) deleteDeadLetters(ctx context.Context, ids []int64, bodies [][]byte) (int64, error) {
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	q := billingdb.New(tx)
	n, err := q.DeleteDeadLetters(ctx, ids)
	if err != nil {
		return 0, err
	}
	if err := q.DeleteDeadLetterAudit(ctx, ids); err != nil {
		return 0, err
	}
	if err := q.DeleteDeadLetterOrigins(ctx, bodies); err != nil {
		return 0, err
	}
	if err := q.DeleteDeadLetterOccurrences(ctx, bodies); err != nil {
		return 0, err
	}
	return n, tx.Commit()
}

// The keys of records begin with the time of their requests; those of rows that were adopted from an older consumer with
// zeros.
var firstKey = []byte{0, 0, 0, 0, 0, 1}

// keyAt is where the keys of requests that began at a time start.
func keyAt(at time.Time) ([]byte, error) {
	key, err := billingkey.NewKey(at.UnixMilli(), [16]byte{})
	return key[:], err
}

// ErrPending is a ledger that can't be pruned, since requests that it would forget are dead letters yet.
var ErrPending = errors.New("dead letters that are pending are older than that: redrive or discard them first")

// PruneLedger stores the horizon, and then deletes the records of requests that began before it, with the idempotency
// keys that nothing can meet any more. Whoever interrupts it calls it again. What is summed stays. Entries from before
// the horizon are rejected from then on, for ever. The error is ErrPending, a horizon that is too young, or the
// database's; where the user may not delete, the horizon stays where it was.
func (s *Store) PruneLedger(ctx context.Context, horizon time.Time, progress Progress) (deleted int64, err error) {
	before, err := s.checkHorizon(ctx, horizon)
	if err != nil {
		return 0, err
	}
	q := billingdb.New(s.db)
	// From here on nothing adds to what is deleted below.
	if err := again(ctx, func() error {
		return q.RaiseHorizon(ctx, billingdb.RaiseHorizonParams{Horizon: sql.NullTime{Time: horizon.UTC(), Valid: true}})
	}); err != nil {
		return 0, fmt.Errorf("prune the ledger: horizon: %w", err)
	}
	for _, chunk := range []func() (int64, error){
		func() (int64, error) {
			return q.DeleteRecords(ctx, billingdb.DeleteRecordsParams{First: firstKey, Before: before, Limit: pruneChunk})
		},
		func() (int64, error) {
			return q.DeleteAdopted(ctx, billingdb.DeleteAdoptedParams{Before: horizon, First: firstKey, Limit: pruneChunk})
		},
	} {
		n, err := chunks(ctx, chunk, progress)
		deleted += n
		if err != nil {
			return deleted, fmt.Errorf("prune the ledger: %w", err)
		}
	}
	_, err = chunks(ctx, func() (int64, error) {
		return q.DeleteClaims(ctx, billingdb.DeleteClaimsParams{
			Before: horizon.Add(-s.options.IdempotencyWindow), Limit: pruneChunk,
		})
	}, func(int64) {})
	return deleted, wrap("prune idempotency keys", err)
}

// PrunableLedger counts the records that PruneLedger would delete, with the errors that it would have.
func (s *Store) PrunableLedger(ctx context.Context, horizon time.Time) (int64, error) {
	before, err := s.checkHorizon(ctx, horizon)
	if err != nil {
		return 0, err
	}
	q := billingdb.New(s.db)
	own, err := q.CountRecordsBefore(ctx, billingdb.CountRecordsBeforeParams{First: firstKey, Before: before})
	if err != nil {
		return 0, fmt.Errorf("count records: %w", err)
	}
	adopted, err := q.CountAdoptedBefore(ctx, billingdb.CountAdoptedBeforeParams{Before: horizon, First: firstKey})
	return own + adopted, wrap("count records", err)
}

func (s *Store) checkHorizon(ctx context.Context, horizon time.Time) (before []byte, err error) {
	if time.Since(horizon) < minHorizonAge {
		return nil, fmt.Errorf("the ledger keeps at least the last %.0f hours", minHorizonAge.Hours())
	}
	if before, err = keyAt(horizon); err != nil {
		return nil, err
	}
	switch n, err := billingdb.New(s.db).PendingBefore(ctx, before); {
	case err != nil:
		return nil, fmt.Errorf("dead letters: %w", err)
	case n > 0:
		return nil, fmt.Errorf("%d %w", n, ErrPending)
	}
	return before, s.mayPrune(ctx)
}

// mayPrune tries the rights that deleting needs: a horizon that is stored rejects entries, also where nothing is deleted
// then.
func (s *Store) mayPrune(ctx context.Context) error {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("prune the ledger: %w", err)
	}
	defer conn.Close()
	for _, right := range probe.LedgerRights() {
		if err := again(ctx, func() error { return right.Try(ctx, conn) }); err != nil {
			return fmt.Errorf("prune the ledger, which needs %s: %w", right, withoutContent(err))
		}
	}
	return nil
}

// chunks calls do until it finds nothing more, and adds up.
func chunks(ctx context.Context, do func() (int64, error), progress Progress) (all int64, err error) {
	for {
		var n int64
		if err := again(ctx, func() (err error) { n, err = do(); return err }); err != nil {
			return all, err
		}
		all += n
		progress(n)
		if n < pruneChunk {
			return all, nil
		}
	}
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
