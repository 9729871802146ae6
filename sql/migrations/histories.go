package migrations

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"fmt"
	"slices"
)

// addHistories adds what tells the changes of this ledger from those of another, and of the same one before it was put back
// to a backup. Code that does not know the columns lives with them. Each step can run again.
func addHistories(ctx context.Context, db *sql.DB) error {
	for _, table := range [][2]string{{"ledger_change", "change_history"}, {"ledger_sequencer", "sequencer_history"}} {
		columns, err := columnsOf(ctx, db, table[0])
		if err != nil {
			return err
		}
		if slices.Contains(columns, "history") {
			continue
		}
		if _, err := db.ExecContext(ctx, statement(table[1])); err != nil {
			return fmt.Errorf("%s.history: %w", table[0], err)
		}
	}
	var random [8]byte
	rand.Read(random[:]) // never fails
	if _, err := db.ExecContext(ctx, statement("history_of_ledger"), int64(binary.BigEndian.Uint64(random[:]))); err != nil {
		return fmt.Errorf("history of the ledger: %w", err)
	}
	return nil
}
