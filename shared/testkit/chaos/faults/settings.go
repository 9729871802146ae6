package faults

import (
	"context"
	"database/sql"
	"fmt"

	"gateway-billing.internal/shared/testkit/chaos/schedule"
)

// settings are the faults that a server has without being hurt. "table full" is its own error 1114, of every insert,
// raised by a trigger: what a quota or a full disk gives, on any server and as soon as it is asked for.
func settings(admin *sql.DB) map[string]schedule.Fault {
	fault := func(harm, heal string) schedule.Fault {
		return func(ctx context.Context, _ uint64) (healing, error) {
			return func(ctx context.Context) error { return execute(ctx, admin, heal) }, execute(ctx, admin, harm)
		}
	}
	return map[string]schedule.Fault{
		"read_only": fault(`SET GLOBAL read_only = 1`, `SET GLOBAL read_only = 0`),
		"table full": fault(
			`CREATE TRIGGER chaos_table_full BEFORE INSERT ON mq_consume_log FOR EACH ROW SIGNAL SQLSTATE 'HY000' `+
				`SET MYSQL_ERRNO = 1114, MESSAGE_TEXT = 'The table is full'`,
			`DROP TRIGGER IF EXISTS chaos_table_full`),
	}
}

func execute(ctx context.Context, db *sql.DB, statement string) error {
	if _, err := db.ExecContext(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}
