package probe

import (
	"context"
	"database/sql"
)

// Right is one thing that a user must be allowed to do.
type Right struct {
	// Verb is SELECT, INSERT, UPDATE or DELETE.
	Verb, Table string
	// column is any of the table.
	column string
}

// String is the right as in a GRANT.
func (r Right) String() string { return r.Verb + " on " + r.Table }

// The tables with a column each.
var (
	readTables  = [][2]string{{"billing_schema_version", "id"}, {"billing_schema_oldest", "id"}}
	writeTables = [][2]string{
		{"mq_consume_log", "id"}, {"dead_letter", "id"}, {"dead_letter_origin", "topic"}, {"dead_letter_audit", "id"},
		{"dead_letter_occurrence", "body_sha256"}, {"idempotency_claim", "claim"}, {"retention", "kind"},
		{"stamp_seen", "id"}, {"usage_delta", "id"}, {"usage_hourly", "hour"}, {"usage_rollup", "start"},
		{"ledger_change", "id"}, {"ledger_sequencer", "id"},
	}
	foldTables   = [][2]string{{"stamp_seen", "id"}, {"usage_delta", "id"}}
	pruneTables  = [][2]string{{"dead_letter", "id"}, {"dead_letter_origin", "topic"}, {"dead_letter_audit", "id"}, {"dead_letter_occurrence", "body_sha256"}}
	ledgerTables = [][2]string{{"mq_consume_log", "id"}, {"idempotency_claim", "claim"}}
)

// Rights are what a consumer needs; prune says whether it prunes dead letters.
func Rights(prune bool) (all []Right) {
	all = append(all, rights(readTables, "SELECT")...)
	all = append(all, rights(writeTables, "SELECT", "INSERT", "UPDATE")...)
	all = append(all, rights(foldTables, "DELETE")...)
	if prune {
		all = append(all, rights(pruneTables, "DELETE")...)
	}
	return all
}

// LedgerRights are what pruning the ledger needs besides.
func LedgerRights() []Right { return rights(ledgerTables, "DELETE") }

func rights(tables [][2]string, verbs ...string) (all []Right) {
	for _, t := range tables {
		for _, verb := range verbs {
			all = append(all, Right{Verb: verb, Table: t[0], column: t[1]})
		}
	}
	return all
}

// Try runs a statement that needs the right and is about no row, so it touches nothing. Trying sees what the server will
// say, through roles and whatever else grants rights; reading SHOW GRANTS would not.
func (r Right) Try(ctx context.Context, conn *sql.Conn) error {
	name := map[string]string{"SELECT": "select", "INSERT": "insert", "UPDATE": "update", "DELETE": "delete"}[r.Verb]
	text := statement(name, "{table}", r.Table, "{column}", r.column)
	if r.Verb != "SELECT" {
		_, err := conn.ExecContext(ctx, text)
		return err
	}
	rows, err := conn.QueryContext(ctx, text)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
	}
	return rows.Err()
}
