package faults

import (
	"context"
	"database/sql"
	"fmt"

	"gateway-billing.internal/shared/testkit/chaos/schedule"
)

// settings are the faults that a server has without being hurt.
//
// "disk full" is the server's own error 1114 (table is full), raised by a trigger: MariaDB and MySQL have no quota for a
// table that can be set and taken back while they run, and a file system of one's own needs root. The error is the one of
// a full disk, the moment is not: a real one may also stop the redo log, which ends the server ("database SIGKILL").
func settings(admin *sql.DB) map[string]schedule.Fault {
	fault := func(harm, heal string) schedule.Fault {
		return func(ctx context.Context, _ uint64) (healing, error) {
			return func(ctx context.Context) error { return execute(ctx, admin, heal) }, execute(ctx, admin, harm)
		}
	}
	return map[string]schedule.Fault{
		"read_only": fault(`SET GLOBAL read_only = 1`, `SET GLOBAL read_only = 0`),
		"disk full": fault(
			`CREATE TRIGGER chaos_disk_full BEFORE INSERT ON mq_consume_log FOR EACH ROW SIGNAL SQLSTATE 'HY000' `+
				`SET MYSQL_ERRNO = 1114, MESSAGE_TEXT = 'The table is full'`,
			`DROP TRIGGER IF EXISTS chaos_disk_full`),
	}
}

func execute(ctx context.Context, db *sql.DB, statement string) error {
	if _, err := db.ExecContext(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}
