package faults

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"sync"
	"time"

	"gateway-billing.internal/shared/testkit/chaos/schedule"
)

// rivals are other writers of the ledger's tables: a person with a transaction left open, a job that takes rows in
// another order. They change nothing.
func rivals(admin *sql.DB) map[string]schedule.Fault {
	return map[string]schedule.Fault{
		"locks held": rival(1, func(ctx context.Context, _ uint64) {
			// The newest rows, and the gap behind them into which all new ones go.
			hold(ctx, admin, `SELECT COUNT(*) FROM mq_consume_log WHERE billing_key >=
				(SELECT MAX(billing_key) FROM mq_consume_log) FOR UPDATE`, 1500*time.Millisecond)
		}),
		"deadlocks": func(ctx context.Context, draw uint64) (healing, error) {
			if err := execute(ctx, admin, `CREATE TABLE IF NOT EXISTS chaos_rival (n BIGINT NOT NULL)`); err != nil {
				return nil, err
			}
			return rival(3, func(ctx context.Context, draw uint64) { backwards(ctx, admin, draw) })(ctx, draw)
		},
	}
}

// rival does something again and again on several goroutines until it is healed.
func rival(writers int, again func(ctx context.Context, draw uint64)) schedule.Fault {
	return func(ctx context.Context, draw uint64) (healing, error) {
		ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		var running sync.WaitGroup
		for i := range writers {
			random := rand.New(rand.NewPCG(draw, uint64(i)))
			running.Go(func() {
				for ctx.Err() == nil {
					again(ctx, random.Uint64())
				}
			})
		}
		return func(context.Context) error {
			cancel()
			running.Wait()
			return nil
		}, nil
	}
}

// hold takes locks with a query and keeps them for a while. What fails fails: it is a rival, not a part of the flow.
func hold(ctx context.Context, db *sql.DB, query string, d time.Duration) {
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
	if err != nil {
		return
	}
	defer tx.Rollback()
	var n int
	if tx.QueryRowContext(ctx, query).Scan(&n) == nil {
		wait(ctx, d)
	}
}

// backwards locks some of the newest rows against the order of their keys, which the ledger goes by. It has written more
// rows before than a transaction of the ledger does, all of them taken back, so that it is not the one that a deadlock
// ends.
func backwards(ctx context.Context, db *sql.DB, draw uint64) {
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, `INSERT INTO chaos_rival SELECT id FROM mq_consume_log ORDER BY id DESC LIMIT 1500`); err != nil {
		return
	}
	var last int64
	if tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(id), 0) FROM mq_consume_log`).Scan(&last) != nil {
		return
	}
	for i := range int64(30) {
		row := last - int64(draw>>8%60) - i*int64(1+draw%5)
		if _, err := tx.ExecContext(ctx, `UPDATE mq_consume_log SET method = method WHERE id = ?`, row); err != nil {
			return
		}
		wait(ctx, 3*time.Millisecond)
	}
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
