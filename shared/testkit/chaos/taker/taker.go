// Package taker stands for the billing service: it follows the ledger's changes while everything is hurt, with a statement of
// its own or by the HTTP API, and keeps what came last of each record.
package taker

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// interval is how often it asks.
const interval = 50 * time.Millisecond

// Taken is what came last of a record.
type Taken struct {
	Revision                                    int64
	Consumer, Route, Model                      sql.NullString
	UsageState                                  string
	Status                                      sql.NullInt64
	Prompt, Completion, Total, Cached, Reasoned int64
	Billable                                    bool
	Reason                                      string
}

// columns are those of Taken behind a record's key.
const columns = `LOWER(HEX(r.billing_key)), r.revision, r.consumer, r.route_id, r.model, r.usage_state, r.status, r.prompt_tokens,
	r.completion_tokens, r.total_tokens, r.cached_tokens, r.reasoning_tokens, r.billable, r.billable_reason`

// Kept is what a taker has.
type Kept struct {
	// Records is what came last, by billing key. Again counts how often a record came that had come before.
	Records map[string]Taken
	Again   int
	// Backwards are the keys that came with a revision that was not above their last.
	Backwards []string
}

func (k *Kept) keep(key string, taken Taken) {
	before, came := k.Records[key]
	if came {
		k.Again++
	}
	if taken.Revision <= before.Revision {
		k.Backwards = append(k.Backwards, key)
	}
	k.Records[key] = taken
}

// Taker follows one ledger.
type Taker struct {
	db   *sql.DB
	last int64 // the number of the last change that was read
	Kept
}

// New makes a taker that has nothing yet.
func New(db *sql.DB) *Taker { return &Taker{db: db, Kept: Kept{Records: map[string]Taken{}}} }

// Follow polls until ctx ends. A database that does not answer is asked again.
func (t *Taker) Follow(ctx context.Context) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		_ = t.Poll(ctx) // what did not come comes with the next one
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Poll takes what is behind the last change.
func (t *Taker) Poll(ctx context.Context) error {
	rows, err := t.db.QueryContext(ctx, `
		SELECT c.sequence, `+columns+`
		FROM ledger_change AS c JOIN mq_consume_log AS r ON r.change_id = c.id
		WHERE c.sequence > ? ORDER BY c.sequence, r.id`, t.last)
	if err != nil {
		return fmt.Errorf("follow the ledger: %w", err)
	}
	defer rows.Close()
	type arrival struct {
		key   string
		taken Taken
	}
	var all []arrival
	last := t.last
	for rows.Next() {
		var a arrival
		if err := rows.Scan(append([]any{&last}, a.taken.into(&a.key)...)...); err != nil {
			return fmt.Errorf("follow the ledger: %w", err)
		}
		all = append(all, a)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("follow the ledger: %w", err)
	}
	t.last = last
	for _, a := range all {
		t.keep(a.key, a.taken)
	}
	return nil
}

// into is where columns are scanned to.
func (t *Taken) into(key *string) []any {
	return []any{
		key, &t.Revision, &t.Consumer, &t.Route, &t.Model, &t.UsageState, &t.Status, &t.Prompt, &t.Completion, &t.Total, &t.Cached,
		&t.Reasoned, &t.Billable, &t.Reason,
	}
}

// Ledger reads all records as they are.
func Ledger(ctx context.Context, db *sql.DB) (map[string]Taken, error) {
	rows, err := db.QueryContext(ctx, "SELECT "+columns+" FROM mq_consume_log AS r")
	if err != nil {
		return nil, fmt.Errorf("read the ledger: %w", err)
	}
	defer rows.Close()
	all := map[string]Taken{}
	for rows.Next() {
		var key string
		var r Taken
		if err := rows.Scan(r.into(&key)...); err != nil {
			return nil, fmt.Errorf("read the ledger: %w", err)
		}
		all[key] = r
	}
	return all, rows.Err()
}

// Unnumbered counts the changes that nobody can follow yet.
func Unnumbered(ctx context.Context, db *sql.DB) (n int64, err error) {
	err = db.QueryRowContext(ctx, "SELECT COUNT(*) FROM ledger_change WHERE sequence IS NULL").Scan(&n)
	return n, err
}
