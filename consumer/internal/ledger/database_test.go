package ledger_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

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

// asUser is a DSN of the same database for a user of its own, who has these rights and no others, each written as SELECT ON *.
func asUser(t testing.TB, db *sql.DB, dsn string, rights ...string) string {
	t.Helper()
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	cfg.User, cfg.Passwd = fmt.Sprintf("u%d", time.Now().UnixNano()%1e9), "secret"
	account := cfg.User + "@'127.0.0.1'"
	exec(t, db, "CREATE USER "+account+" IDENTIFIED BY 'secret'")
	t.Cleanup(func() { exec(t, db, "DROP USER "+account) })
	for _, right := range rights {
		exec(t, db, "GRANT "+strings.Replace(right, " ON ", " ON `"+cfg.DBName+"`.", 1)+" TO "+account)
	}
	return cfg.FormatDSN()
}

// checkSums fails where the usage deltas and what is folded of them are together not the sums of the records, at any level,
// for any name, in any column.
func checkSums(t testing.TB, db *sql.DB) {
	t.Helper()
	const columns = "records, usage_missing, usage_partial, prompt_tokens, completion_tokens, total_tokens, cached_tokens, " +
		"cache_write_tokens, reasoning_tokens, audio_tokens"
	counts := strings.Split(columns, ", ")
	for _, level := range []struct{ start, folded string }{
		{"%Y-%m-%d %H:00:00", "SELECT hour AS start, %s FROM usage_hourly"},
		{"%Y-%m-%d 00:00:00", "SELECT start, %s FROM usage_rollup WHERE span = 1440 AND cut = 'all'"},
		{"", "SELECT start, %s FROM usage_rollup WHERE span = 15 AND cut = 'all'"},
		{"%Y-%m-%d %H:00:00", "SELECT start, %s FROM usage_rollup WHERE span = 60 AND cut = 'consumer'"},
		{"", "SELECT start, %s FROM usage_rollup WHERE span = 15 AND cut = 'consumer'"},
		{"%Y-%m-%d 00:00:00", "SELECT start, %s FROM usage_rollup WHERE span = 1440 AND cut = 'consumer'"},
	} {
		names := "consumer, route_id, service_id, model, status_class, billable"
		if strings.Contains(level.folded, "'consumer'") {
			names = "consumer, NULL AS route_id, NULL AS service_id, NULL AS model, NULL AS status_class, billable"
		}
		start := func(column string) string {
			if level.start != "" {
				return fmt.Sprintf("CAST(DATE_FORMAT(%s, '%s') AS DATETIME) AS start", column, level.start)
			}
			return fmt.Sprintf("FROM_UNIXTIME(FLOOR(UNIX_TIMESTAMP(%s) / 900) * 900) AS start", column)
		}
		ofRecords := strings.Replace(names, ", status_class", ", IF(status >= 100, CONCAT(LEFT(status, 1), 'xx'), NULL) AS status_class", 1)
		var differ, less []string
		for _, c := range counts {
			differ = append(differ, "SUM("+c+")")
			less = append(less, "-"+c)
		}
		less[0], less[1], less[2] = "-1", "-(usage_state = 'missing')", "-(usage_state = 'partial')"
		rows, err := db.Query(fmt.Sprintf(`SELECT CONCAT_WS('|', start, IFNULL(consumer,'?'), IFNULL(route_id,'?'),
			IFNULL(service_id,'?'), IFNULL(model,'?'), IFNULL(status_class,'?'), billable), CONCAT_WS(' ', %[1]s)
			FROM (SELECT %[2]s, %[3]s, %[4]s FROM usage_delta
			  UNION ALL %[5]s
			  UNION ALL SELECT %[6]s, %[7]s, %[8]s FROM mq_consume_log) AS both_sides
			GROUP BY start, consumer, route_id, service_id, model, status_class, billable HAVING %[9]s <> 0`,
			strings.Join(differ, ", "), start("quarter"), names, columns, fmt.Sprintf(level.folded, names+", "+columns),
			start("request_time"), ofRecords, strings.Join(less, ", "), strings.Join(differ, " <> 0 OR ")))
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var name, differences string
			if err := rows.Scan(&name, &differences); err != nil {
				t.Fatal(err)
			}
			t.Errorf("%s: sums differ from records in %s by %s (%s)", level.folded, name, differences, columns)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		rows.Close()
	}
}
