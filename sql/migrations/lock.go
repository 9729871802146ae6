package migrations

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"gateway-billing.internal/sql/billingdb"
)

// lockSeconds is how long a migration waits for another one: long enough for a big table to be adopted.
const lockSeconds = 3600

// locker lets one migration at a time change a database. The lock is the connection's: it goes when the process dies.
type locker struct{}

func (locker) SessionLock(ctx context.Context, conn *sql.Conn) error {
	held, err := billingdb.New(conn).AcquireMigrationLock(ctx, lockSeconds)
	if err != nil {
		return fmt.Errorf("migration lock: %w", err)
	}
	if held != 1 {
		return errors.New("migration lock: another migration has held it for an hour")
	}
	return nil
}

func (locker) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	if _, err := billingdb.New(conn).ReleaseMigrationLock(ctx); err != nil {
		return fmt.Errorf("migration lock: release: %w", err)
	}
	return nil
}
