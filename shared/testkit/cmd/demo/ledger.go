package main

import (
	"context"
	"database/sql"
	"fmt"
)

// The demo reads the tables by statements of its own: it must not believe the code that it checks.

// progress is how far the consumer has come.
type progress struct{ records, duplicates, deadLetters int64 }

func readProgress(ctx context.Context, db *sql.DB) (progress, error) {
	var p progress
	err := db.QueryRowContext(ctx, `SELECT COUNT(*), CAST(COALESCE(SUM(duplicates), 0) AS SIGNED) FROM mq_consume_log`).
		Scan(&p.records, &p.duplicates)
	if err != nil {
		return p, fmt.Errorf("count the records: %w", err)
	}
	if err := db.QueryRowContext(ctx, `SELECT COUNT(*) FROM dead_letter`).Scan(&p.deadLetters); err != nil {
		return p, fmt.Errorf("count the dead letters: %w", err)
	}
	return p, nil
}

// readAccounts sums the ledger by APISIX consumer and route.
func readAccounts(ctx context.Context, db *sql.DB) (map[account]sum, error) {
	rows, err := db.QueryContext(ctx, `
		SELECT COALESCE(consumer, '(unknown)'), COALESCE(route_id, '(unknown)'), COUNT(*),
		       CAST(SUM(prompt_tokens) AS SIGNED), CAST(SUM(completion_tokens) AS SIGNED)
		FROM mq_consume_log GROUP BY 1, 2`)
	if err != nil {
		return nil, fmt.Errorf("sum the records: %w", err)
	}
	defer rows.Close()
	accounts := map[account]sum{}
	for rows.Next() {
		var key account
		var s sum
		if err := rows.Scan(&key.consumer, &key.route, &s.requests, &s.prompt, &s.completion); err != nil {
			return nil, fmt.Errorf("sum the records: %w", err)
		}
		accounts[key] = s
	}
	return accounts, rows.Err()
}

// readDeltas sums the usage deltas and the hours that they were folded into, the tables' second account of the same
// requests.
func readDeltas(ctx context.Context, db *sql.DB) (requests, tokens int64, err error) {
	err = db.QueryRowContext(ctx, `
		SELECT CAST(COALESCE(SUM(records), 0) AS SIGNED), CAST(COALESCE(SUM(total_tokens), 0) AS SIGNED)
		FROM (SELECT total_tokens, records FROM usage_delta UNION ALL SELECT total_tokens, records FROM usage_hourly) AS sums`).Scan(&requests, &tokens)
	if err != nil {
		return 0, 0, fmt.Errorf("sum the deltas: %w", err)
	}
	return requests, tokens, nil
}

// readCounts reads two columns: a name and how often.
func readCounts(ctx context.Context, db *sql.DB, query string) (map[string]int64, error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("count by name: %w", err)
	}
	defer rows.Close()
	counts := map[string]int64{}
	for rows.Next() {
		var name string
		var n int64
		if err := rows.Scan(&name, &n); err != nil {
			return nil, fmt.Errorf("count by name: %w", err)
		}
		counts[name] = n
	}
	return counts, rows.Err()
}
