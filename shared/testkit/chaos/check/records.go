package check

import (
	"context"
	"database/sql"
	"fmt"

	"gateway-billing.internal/shared/testkit/chaos/truth"
)

// record is a row of the ledger, as far as the truth knows of it.
type record struct {
	uri                                         string
	requestID, consumer, route                  sql.NullString
	keySource, keyState, usageState             string
	status                                      sql.NullInt64
	prompt, completion, total, cached, reasoned int64
	billable                                    bool
	reason                                      string
	duplicates                                  int64
}

func (r record) String() string {
	return fmt.Sprintf("request_id=%s consumer=%s route=%s status=%d key=%s/%s usage=%s prompt=%d completion=%d total=%d cached=%d "+
		"reasoning=%d billable=%t (%s) duplicates=%d", text(r.requestID), text(r.consumer), text(r.route), r.status.Int64,
		r.keySource, r.keyState, r.usageState, r.prompt, r.completion, r.total, r.cached, r.reasoned, r.billable, r.reason, r.duplicates)
}

func text(s sql.NullString) string {
	if !s.Valid {
		return "NULL"
	}
	return fmt.Sprintf("%q", s.String)
}

// readRecords are all rows by the serial number of their request.
func readRecords(ctx context.Context, db *sql.DB) (map[int64][]record, error) {
	rows, err := db.QueryContext(ctx, `
		SELECT COALESCE(uri, ''), request_id, consumer, route_id, key_source, key_state, usage_state, status, prompt_tokens,
		       completion_tokens, total_tokens, cached_tokens, reasoning_tokens, billable, billable_reason, duplicates
		FROM mq_consume_log ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("read the records: %w", err)
	}
	defer rows.Close()
	all := map[int64][]record{}
	for rows.Next() {
		var r record
		if err := rows.Scan(&r.uri, &r.requestID, &r.consumer, &r.route, &r.keySource, &r.keyState, &r.usageState, &r.status,
			&r.prompt, &r.completion, &r.total, &r.cached, &r.reasoned, &r.billable, &r.reason, &r.duplicates); err != nil {
			return nil, fmt.Errorf("read the records: %w", err)
		}
		n := truth.SerialOf(r.uri)
		all[n] = append(all[n], r)
	}
	return all, rows.Err()
}
