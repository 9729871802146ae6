package migrations

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
)

// addChanges makes what the feed of changes needs. The column and the index are two statements: neither then copies the
// ledger, and writers of any table go on meanwhile. Each step can run again.
func addChanges(ctx context.Context, db *sql.DB) error {
	for _, name := range []string{"change_table", "sequencer_table", "sequencer_row"} {
		if _, err := db.ExecContext(ctx, statement(name)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	columns, err := columnsOf(ctx, db, "mq_consume_log")
	if err != nil {
		return err
	}
	if !slices.Contains(columns, "change_id") {
		if _, err := db.ExecContext(ctx, statement("change_column")); err != nil {
			return fmt.Errorf("mq_consume_log.change_id: %w", err)
		}
	}
	var indexed int
	if err := db.QueryRowContext(ctx, statement("change_index_there")).Scan(&indexed); err != nil {
		return fmt.Errorf("mq_consume_log.idx_change: %w", err)
	}
	if indexed == 0 {
		if _, err := db.ExecContext(ctx, statement("change_index")); err != nil {
			return fmt.Errorf("mq_consume_log.idx_change: %w", err)
		}
	}
	return nil
}
