package ledger_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/shared/testkit/stack"
)

// newDatabase makes an empty database of the test's own and returns its DSN.
func newDatabase(t testing.TB) string {
	t.Helper()
	return stack.Shared(t).Database.NewDatabase(t)
}

// migrated makes a database with the current schema.
func migrated(t testing.TB) (dsn string) {
	t.Helper()
	dsn = newDatabase(t)
	if _, err := ledger.MigrateUp(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	return dsn
}

// connect opens the database beside the ledger, to look at it.
func connect(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	cfg.ParseTime, cfg.MultiStatements, cfg.InterpolateParams = true, true, true
	cfg.Params = map[string]string{"time_zone": "'+00:00'"}
	db, err := sql.Open("mysql", cfg.FormatDSN())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// value reads one value.
func value[T any](t testing.TB, db *sql.DB, query string, args ...any) T {
	t.Helper()
	var v T
	if err := db.QueryRow(query, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

func exec(t testing.TB, db *sql.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.Exec(query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// checkSums fails where the usage deltas and the hourly sums are together not the sums of the records, in any hour, for any
// name, in any unit.
func checkSums(t testing.TB, db *sql.DB) {
	t.Helper()
	units := []string{"prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "cache_write_tokens",
		"reasoning_tokens", "audio_tokens"}
	parts := []string{"SELECT %s, 'request' AS unit, 1 AS quantity, 1 AS records FROM mq_consume_log"}
	for _, u := range units {
		parts = append(parts, "SELECT %s, '"+u+"', "+u+", 0 FROM mq_consume_log")
	}
	const names = "CAST(DATE_FORMAT(request_time, '%%Y-%%m-%%d %%H:00:00') AS DATETIME) AS hour, consumer, route_id, " +
		"service_id, model, CONCAT(LEFT(status, 1), 'xx') AS status_class, billable"
	all := strings.ReplaceAll(strings.Join(parts, " UNION ALL "), "%s", strings.ReplaceAll(names, "%%", "%"))
	const columns = "hour, consumer, route_id, service_id, model, status_class, billable, unit"
	rows, err := db.Query(fmt.Sprintf(`SELECT CONCAT_WS('|', hour, IFNULL(consumer,'?'), IFNULL(route_id,'?'),
		IFNULL(service_id,'?'), IFNULL(model,'?'), IFNULL(status_class,'?'), billable, unit), SUM(quantity), SUM(records)
		FROM (SELECT %s, quantity, records FROM usage_delta
		  UNION ALL SELECT %s, quantity, records FROM usage_hourly
		  UNION ALL SELECT %s, -quantity, -records FROM (%s) AS ledger) AS both_sides
		GROUP BY %s HAVING SUM(quantity) <> 0 OR SUM(records) <> 0`, columns, columns, columns, all, columns))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name, quantity, records string
		if err := rows.Scan(&name, &quantity, &records); err != nil {
			t.Fatal(err)
		}
		t.Errorf("sums differ from records in %s: quantity by %s, records by %s", name, quantity, records)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}
