package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"gateway-billing.internal/consumer/internal/gaps"
	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/sql/billingdb"
)

// StampsSeen reads the ranges of stamp numbers that arrived, all of them as they were at one moment.
func (s *Store) StampsSeen(ctx context.Context) ([]gaps.Seen, error) {
	rows, err := billingdb.New(s.db).StampsSeen(ctx)
	if err != nil {
		return nil, fmt.Errorf("stamp numbers: %w", err)
	}
	all := make([]gaps.Seen, len(rows))
	for i, r := range rows {
		all[i] = gaps.Seen{
			Runner: r.Runner, Epoch: billingkey.Epoch(r.Epoch), Verified: r.Verified,
			Range:        gaps.Range{First: r.FirstSequence, Last: r.LastSequence},
			PreviousLast: r.PreviousLast, Since: r.CreateTime, Age: time.Duration(r.Age) * time.Second,
		}
		if r.PreviousEpoch != nil {
			all[i].PreviousEpoch = billingkey.Epoch(r.PreviousEpoch)
		}
	}
	return all, nil
}

// foldPage is how many ranges one transaction folds: few enough to be quick.
const foldPage = 1000

// FoldStamps joins the ranges of the runs that have some behind an id (0 for all), and returns the highest id that it
// knows then. Any number of processes may fold at once: who reads sees a transaction's ranges before or after it, and
// the same numbers in both.
func (s *Store) FoldStamps(ctx context.Context, after int64) (behind int64, err error) {
	runs, err := billingdb.New(s.db).StampRunsBehind(ctx, after)
	if err != nil {
		return after, fmt.Errorf("fold stamp numbers: %w", err)
	}
	behind = after
	for _, run := range runs {
		for from, more := uint64(0), true; more; {
			if from, more, err = s.foldPage(ctx, run, from); err != nil {
				return after, fmt.Errorf("fold stamp numbers: %w", err)
			}
		}
		behind = max(behind, run.LastID)
	}
	return behind, nil
}

// foldPage folds the ranges of a run that begin at a number or behind it, as many as one transaction takes. next is where
// to go on while there are more.
func (s *Store) foldPage(ctx context.Context, run billingdb.StampRunsBehindRow, from uint64) (next uint64, more bool, err error) {
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return from, false, err
	}
	defer tx.Rollback()
	q := billingdb.New(tx)
	rows, err := q.LockStampSeen(ctx, billingdb.LockStampSeenParams{
		Runner: run.Runner, Epoch: run.Epoch, Verified: run.Verified, FromSequence: from, Limit: foldPage,
	})
	if err != nil || len(rows) == 0 {
		return from, false, err
	}
	var gone [][]int64
	var kept []billingdb.LockStampSeenRow
	for _, r := range rows {
		if n := len(kept); n > 0 && r.FirstSequence-1 <= kept[n-1].LastSequence {
			into := &kept[n-1]
			into.LastSequence = max(into.LastSequence, r.LastSequence)
			if r.CreateTime.Before(into.CreateTime) {
				into.CreateTime = r.CreateTime
			}
			gone[n-1] = append(gone[n-1], r.ID)
			continue
		}
		kept, gone = append(kept, r), append(gone, nil)
	}
	for i, r := range kept {
		if gone[i] == nil {
			continue
		}
		if err := q.WidenStampSeen(ctx, billingdb.WidenStampSeenParams{
			LastSequence: r.LastSequence, CreateTime: r.CreateTime, ID: r.ID,
		}); err != nil {
			return from, false, err
		}
		if err := q.DeleteStampSeen(ctx, gone[i]); err != nil {
			return from, false, err
		}
	}
	// The last range may go on in the next page.
	return kept[len(kept)-1].FirstSequence, len(rows) == foldPage, tx.Commit()
}
