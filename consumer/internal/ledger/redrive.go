package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"gateway-billing.internal/consumer/internal/deadletter"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/sql/billingdb"
)

// Work is one action on one dead letter.
type Work struct {
	ID    int64
	Actor string
	// DryRun does all of it and commits nothing.
	DryRun bool
}

// Worked is what an action came to.
type Worked struct {
	ID int64 `json:"id"`
	// Status is where the dead letter stands now (in a dry run: would stand).
	Status deadletter.Status `json:"status"`
	// Changed is false where it was not pending (any more), so that nothing was done and nothing noted.
	Changed bool   `json:"changed"`
	Detail  string `json:"detail"`
	// Outcome is what became of its entries; zero unless Status is redriven by this.
	Outcome Outcome `json:"outcome"`
}

// redriveBreaks is how many attempts may end in a broken connection, while the server answers, before the dead letter
// is left pending for it.
const redriveBreaks = 5

// Redrive lets a pending dead letter go through the flow again. derive says what it becomes. Records, status and audit
// are one transaction that has the dead letter locked: whoever else redrives the same waits and then finds it done, and
// a crash leaves either all of it or nothing. What fails again stays pending, with one attempt more. The error is what
// keeps the database from working; then nothing is changed and the redrive may be repeated.
func (s *Store) Redrive(ctx context.Context, w Work, derive func(*deadletter.Letter) record.Unit) (Worked, error) {
	refused, breaks, hurried := "", 0, 0
	for {
		done, err := s.redriveOnce(ctx, w, derive, refused)
		if err == nil || ctx.Err() != nil || errors.Is(err, deadletter.ErrNone) {
			return done, err
		}
		switch classify(err) {
		case faultStatement, faultSize:
			if refused != "" {
				return done, withoutContent(err)
			}
			refused = detail(err)
			continue
		case faultLost:
			if !s.answers(ctx) || refused != "" {
				return done, withoutContent(err)
			}
			if breaks++; breaks == redriveBreaks {
				refused = "it breaks the connection to the database each time"
			}
		case faultContention:
			if hurried++; hurried > maxHurried {
				return done, withoutContent(err)
			}
		default:
			return done, withoutContent(err)
		}
		if err := pause(ctx, minBackoff); err != nil {
			return done, err
		}
	}
}

// redriveOnce is one attempt. refused, where it is not empty, is why the database does not take the records: only that is
// noted then.
func (s *Store) redriveOnce(
	ctx context.Context, w Work, derive func(*deadletter.Letter) record.Unit, refused string,
) (Worked, error) {
	return s.work(ctx, w, func(t *transaction) (Worked, error) {
		done := Worked{ID: w.ID, Status: deadletter.Pending, Changed: true, Detail: refused}
		if refused != "" {
			return done, nil
		}
		letter, err := deadletter.Read(ctx, t.tx, w.ID)
		if err != nil {
			return done, err
		}
		if done.Detail = letter.Incomplete(); done.Detail != "" {
			done.Detail = "can't be redriven: " + done.Detail
			return done, nil
		}
		unit := derive(letter)
		items := itemsOf(&unit, &done.Outcome)
		if err := t.rejectPruned(ctx, items); err != nil {
			return done, fmt.Errorf("%w: horizon: %w", errOutside, err)
		}
		for _, it := range items {
			// An entry that fails where the whole message failed before is another dead letter; this one is at its end.
			if it.reject != nil && it.reject.EntryIndex == letter.EntryIndex {
				done.Detail = "fails again: " + it.reject.Reason + ": " + it.reject.Detail
				return done, nil
			}
		}
		if err := t.write(ctx, items); err != nil {
			return done, err
		}
		for _, it := range items {
			it.settle()
		}
		o := done.Outcome
		done.Status = deadletter.Redriven
		done.Detail = fmt.Sprintf("%d recorded, %d duplicate, %d conflict, %d rejected", o.Recorded, o.Duplicate, o.Conflict, o.Rejected)
		return done, nil
	}, deadletter.Redrive)
}

// Discard takes a pending dead letter out of what is to be worked on; its row and bytes stay. The error is as in Redrive.
func (s *Store) Discard(ctx context.Context, w Work, why string) (Worked, error) {
	var done Worked
	err := again(ctx, func() (err error) {
		done, err = s.work(ctx, w, func(*transaction) (Worked, error) {
			return Worked{ID: w.ID, Status: deadletter.Discarded, Changed: true, Detail: why}, nil
		}, deadletter.Discard)
		return err
	})
	return done, err
}

// work locks the dead letter, lets do its part unless it is not pending, and notes what that came to.
func (s *Store) work(ctx context.Context, w Work, do func(*transaction) (Worked, error), action string) (Worked, error) {
	done := Worked{ID: w.ID}
	limits, err := s.limits(ctx)
	if err != nil {
		return done, fmt.Errorf("%w: max_allowed_packet: %w", errOutside, err)
	}
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return done, fmt.Errorf("%w: begin: %w", errOutside, err)
	}
	defer tx.Rollback()
	status, err := billingdb.New(tx).LockDeadLetter(ctx, w.ID)
	if errors.Is(err, sql.ErrNoRows) {
		return done, fmt.Errorf("%w: %d", deadletter.ErrNone, w.ID)
	}
	if err != nil {
		return done, fmt.Errorf("dead letter: %w", err)
	}
	if done.Status = deadletter.Status(status); done.Status != deadletter.Pending {
		done.Detail = "is not pending"
		return done, nil
	}
	if done, err = do(s.newTransaction(tx, limits, map[batchID]bool{})); err != nil || w.DryRun {
		return done, err
	}
	err = deadletter.Settle(ctx, tx, w.ID, deadletter.Action{
		Action: action, Actor: w.Actor, Outcome: done.Status, Detail: done.Detail,
	})
	if err != nil {
		return done, err
	}
	if err := tx.Commit(); err != nil {
		return done, fmt.Errorf("%w: commit: %w", errOutside, err)
	}
	return done, nil
}
