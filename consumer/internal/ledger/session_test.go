package ledger_test

import (
	"errors"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"gateway-billing.internal/consumer/internal/ledger"
)

// The server itself ends a question that takes too long: whoever asked is gone, and it would go on.
func TestTheServerEndsLongStatements(t *testing.T) {
	t.Parallel()
	store, err := ledger.Open(ledger.Options{DSN: migrated(t), StatementLimit: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	var n int64
	err = ledger.Database(store).QueryRowContext(t.Context(), `WITH RECURSIVE few AS (SELECT 0 AS i UNION ALL SELECT i + 1 FROM few WHERE i < 999)
		SELECT COUNT(*) FROM few a JOIN few b JOIN few c WHERE (a.i + b.i + c.i) % 7 = 1`).Scan(&n)
	if refused, ok := errors.AsType[*mysql.MySQLError](err); !ok || refused.Number != 1969 && refused.Number != 3024 {
		t.Errorf("a thousand million rows in 100 ms: %d, %v", n, err)
	}
}

// A machine that is gone leaves its locks for minutes, not for the hours that a server waits by itself.
func TestTheServerGivesUpSilentConnections(t *testing.T) {
	t.Parallel()
	dsn := migrated(t)
	store, err := ledger.Open(ledger.Options{DSN: dsn})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	var waits int
	if err := ledger.Database(store).QueryRowContext(t.Context(), "SELECT @@SESSION.wait_timeout").Scan(&waits); err != nil || waits != 600 {
		t.Errorf("the server waits %d s, %v", waits, err)
	}
}
