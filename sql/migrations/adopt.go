package migrations

import (
	"context"
	"crypto/rand"
	"database/sql"
	"embed"
	"fmt"
	"slices"
	"strings"
)

// The table of an older consumer: one row a message, unique by msg_id. Its name is the ledger's, so it is first renamed,
// in one atomic statement; then its rows are copied, batch by batch, each batch with its usage in one transaction. The
// highest id that arrived in the ledger says where to go on, so a crash at any point neither loses nor doubles a row.
//
//go:embed statements/*.sql
var statements embed.FS

// adoptBatch is how many rows are copied in one transaction.
const adoptBatch = 5000

// oldColumns are the columns of the older consumer's table. One with others is not adopted: they would be lost.
var oldColumns = []string{
	"body", "completion_tokens", "create_time", "id", "message_keys", "msg_id", "prompt_tokens", "route_id", "tags",
	"topic", "total_tokens",
}

// setAside renames an older consumer's table, so that the ledger can be created under its name.
func setAside(ctx context.Context, db *sql.DB) error {
	columns, err := columnsOf(ctx, db, "mq_consume_log")
	if err != nil {
		return err
	}
	if len(columns) == 0 || slices.Contains(columns, "billing_key") {
		return nil // no older table, or renamed in a run that did not come to its end
	}
	if !slices.Equal(columns, oldColumns) {
		return fmt.Errorf("table mq_consume_log is neither this consumer's nor an older one's: its columns are %s, want %s; "+
			"rename it, or drop the columns that are too many, then migrate again",
			strings.Join(columns, ", "), strings.Join(oldColumns, ", "))
	}
	_, err = db.ExecContext(ctx, statement("set_aside"))
	if err != nil {
		return fmt.Errorf("set the older table aside: %w", err)
	}
	return nil
}

// adopt copies the rows of the older table and drops it when all of them are in the ledger.
func adopt(ctx context.Context, db *sql.DB) error {
	columns, err := columnsOf(ctx, db, "mq_consume_log_old")
	if err != nil || len(columns) == 0 {
		return err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	// create_time is a TIMESTAMP, shown in the session's zone; the ledger's request_time is UTC.
	if _, err := conn.ExecContext(ctx, statement("utc")); err != nil {
		return fmt.Errorf("adopt: %w", err)
	}
	for {
		more, err := adoptOneBatch(ctx, conn)
		if err != nil {
			return fmt.Errorf("adopt the older table's rows: %w", err)
		}
		if !more {
			break
		}
	}
	var old, adopted int64
	if err := conn.QueryRowContext(ctx, statement("compare")).Scan(&old, &adopted); err != nil {
		return fmt.Errorf("adopt: count: %w", err)
	}
	if old != adopted {
		return fmt.Errorf("adopt: mq_consume_log_old holds %d rows, the ledger %d adopted ones: "+
			"the older table is kept, nothing was dropped", old, adopted)
	}
	if _, err := conn.ExecContext(ctx, statement("drop")); err != nil {
		return fmt.Errorf("adopt: drop the older table: %w", err)
	}
	return nil
}

// adoptOneBatch copies the rows after the last one in the ledger, and appends their usage; false when there is none.
func adoptOneBatch(ctx context.Context, conn *sql.Conn) (more bool, err error) {
	tx, err := conn.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return false, err
	}
	defer tx.Rollback()
	var after int64
	if err := tx.QueryRowContext(ctx, statement("position")).Scan(&after); err != nil {
		return false, err
	}
	var last sql.NullInt64
	if err := tx.QueryRowContext(ctx, statement("batch_end"), after, adoptBatch).Scan(&last); err != nil {
		return false, err
	}
	if !last.Valid {
		return false, nil
	}
	var batch [16]byte
	rand.Read(batch[:])
	if _, err := tx.ExecContext(ctx, statement("copy_rows"), batch[:], after, last.Int64); err != nil {
		return false, err
	}
	if _, err := tx.ExecContext(ctx, statement("append_usage"), after, last.Int64); err != nil {
		return false, err
	}
	return true, tx.Commit()
}

// columnsOf lists the columns of a table of this database, sorted; none when there is no such table.
func columnsOf(ctx context.Context, db *sql.DB, table string) ([]string, error) {
	rows, err := db.QueryContext(ctx, statement("columns"), table)
	if err != nil {
		return nil, fmt.Errorf("columns of %s: %w", table, err)
	}
	defer rows.Close()
	var columns []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, fmt.Errorf("columns of %s: %w", table, err)
		}
		columns = append(columns, strings.ToLower(name))
	}
	slices.Sort(columns)
	return columns, rows.Err()
}

// statement is the text of statements/<name>.sql. These read tables that are not in the schema, so sqlc can't
// generate their code.
func statement(name string) string {
	text, err := statements.ReadFile("statements/" + name + ".sql")
	if err != nil {
		panic(err) // the file is embedded: a name that is not there is a mistake in this file
	}
	return string(text)
}
