package check

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
)

// account is what sums are compared by.
type account struct {
	consumer, route string
	billable        bool
}

// sum is what an account used.
type sum struct{ records, prompt, completion, total int64 }

// deltas holds the second account of the same requests against the ledger: deltas and what is folded of them.
func deltas(ctx context.Context, run Run, report *Report) error {
	ledger, err := sums(ctx, run.DB, `
		SELECT COALESCE(consumer, ''), COALESCE(route_id, ''), billable, COUNT(*), CAST(SUM(prompt_tokens) AS SIGNED),
		       CAST(SUM(completion_tokens) AS SIGNED), CAST(SUM(total_tokens) AS SIGNED)
		FROM mq_consume_log GROUP BY 1, 2, 3`)
	if err != nil {
		return err
	}
	appended, err := sums(ctx, run.DB, `
		SELECT COALESCE(consumer, ''), COALESCE(route_id, ''), billable, CAST(SUM(records) AS SIGNED),
		       CAST(SUM(prompt_tokens) AS SIGNED), CAST(SUM(completion_tokens) AS SIGNED), CAST(SUM(total_tokens) AS SIGNED)
		FROM (SELECT consumer, route_id, billable, records, prompt_tokens, completion_tokens, total_tokens FROM usage_delta UNION ALL
		      SELECT consumer, route_id, billable, records, prompt_tokens, completion_tokens, total_tokens FROM usage_hourly) AS deltas
		GROUP BY 1, 2, 3`)
	if err != nil {
		return err
	}
	accounts := maps.Clone(ledger)
	maps.Copy(accounts, appended)
	for a := range accounts {
		if ledger[a] != appended[a] {
			report.differ("sums of %+v: records say %+v, deltas say %+v", a, ledger[a], appended[a])
		}
	}
	return nil
}

func sums(ctx context.Context, db *sql.DB, query string) (map[account]sum, error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("read sums: %w", err)
	}
	defer rows.Close()
	all := map[account]sum{}
	for rows.Next() {
		var a account
		var s sum
		if err := rows.Scan(&a.consumer, &a.route, &a.billable, &s.records, &s.prompt, &s.completion, &s.total); err != nil {
			return nil, fmt.Errorf("read sums: %w", err)
		}
		all[a] = s
	}
	return all, rows.Err()
}
