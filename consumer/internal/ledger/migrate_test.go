package ledger_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/shared/testkit/stack"
	"gateway-billing.internal/sql/migrations"
)

//go:embed testdata/older_consumer.sql
var olderConsumer string

const olderRows = 12_000

// oddIDs are message IDs that a careless comparison would fold, cut or misread. (The older table's own collation lets
// no two that differ in case alone stand side by side.)
var oddIDs = []string{"", "ABCdef", "straße", "id with space ", "日本語", "😀", `quote'"\`, "%like_", strings.Repeat("x", 64)}

// seedOlder fills a database as an older consumer would have, in a session of another time zone.
func seedOlder(t *testing.T, db *sql.DB) {
	t.Helper()
	ctx := t.Context()
	conn, err := db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	run := func(query string, args ...any) {
		if _, err := conn.ExecContext(ctx, query, args...); err != nil {
			t.Fatalf("%.80s: %v", query, err)
		}
	}
	run(olderConsumer)
	run("SET time_zone = '+05:30'")
	defer run("SET time_zone = '+00:00'")
	const insert = "INSERT INTO mq_consume_log (msg_id, topic, tags, message_keys, body, route_id, prompt_tokens, " +
		"completion_tokens, total_tokens, create_time) VALUES "
	for first := 0; first < olderRows; first += 2000 {
		var values []string
		for i := first; i < first+2000; i++ {
			values = append(values, fmt.Sprintf("('7F00000100%022X', 'test-apisix', NULL, 'k', '{\"n\":%d}', 'r%d', %d, %d, %d, "+
				"'2025-12-31 %02d:%02d:10')", i, i, i%7, i%3*10, i%3, i%3*11, i%24, i%60))
		}
		run(insert + strings.Join(values, ","))
	}
	run("DELETE FROM mq_consume_log WHERE id % 10 = 3") // an older table has gaps
	for _, id := range oddIDs {
		run(insert+"(?, 'test-apisix', 'tag', NULL, '{}', '', 1, 2, 3, '2026-01-01 00:15:00')", id)
	}
}

// checkAdopted fails where the ledger does not hold exactly the rows of seedOlder.
func checkAdopted(t *testing.T, db *sql.DB) {
	t.Helper()
	want := olderRows*9/10 + len(oddIDs)
	if n := value[int](t, db, "SELECT COUNT(*) FROM mq_consume_log WHERE key_source = 'msg_id' AND key_state = 'adopted'"); n != want {
		t.Errorf("%d adopted rows, want %d", n, want)
	}
	for _, id := range append([]string{fmt.Sprintf("7F00000100%022X", 11_999)}, oddIDs...) {
		sum := sha256.Sum256([]byte(id))
		key := append(make([]byte, 6), sum[:16]...)
		if got := value[string](t, db, "SELECT msg_id FROM mq_consume_log WHERE billing_key = ?", key); got != id {
			t.Errorf("key of %q holds %q", id, got)
		}
	}
	var at time.Time
	var route, body, state string
	var id, total int64
	if err := db.QueryRow(`SELECT id, request_time, route_id, body, usage_state, total_tokens FROM mq_consume_log
		WHERE msg_id = ?`, fmt.Sprintf("7F00000100%022X", 5)).Scan(&id, &at, &route, &body, &state, &total); err != nil {
		t.Fatal(err)
	}
	if id != 6 || route != "r5" || body != `{"n":5}` || state != "exact" || total != 22 ||
		!at.Equal(time.Date(2025, 12, 30, 23, 35, 10, 0, time.UTC)) {
		t.Errorf("row 6: %d %s %s %s %d %v", id, route, body, state, total, at)
	}
	if n := value[int](t, db, "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'mq_consume_log_old'"); n != 0 {
		t.Error("the older table is left")
	}
	checkSums(t, db)
}

func TestOlderConsumersTableIsAdopted(t *testing.T) {
	dsn := newDatabase(t)
	db := connect(t, dsn)
	seedOlder(t, db)
	if _, err := ledger.MigrateUp(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	checkAdopted(t, db)
	applied, err := ledger.MigrateUp(t.Context(), dsn)
	if err != nil || len(applied) != 0 {
		t.Errorf("a second time: applied %v, %v", applied, err)
	}
	checkAdopted(t, db)

	// It is the ledger now: the same message ID twice, and a body that the older table could not hold.
	w := ledgerOf(t, dsn)
	a, b := request(someID()), request(someID())
	b.Body = strings.Repeat("b", 100_000)
	wantOutcome(t, commit(t, w, unit(a, b)), ledger.Outcome{Recorded: 2})
	checkSums(t, db)
}

// A migration that dies anywhere finishes when it is run again.
func TestAdoptionSurvivesBeingCutOff(t *testing.T) {
	dsn := newDatabase(t)
	db := connect(t, dsn)
	seedOlder(t, db)
	cuts := 0
	for limit := 2 * time.Millisecond; ; limit += limit / 4 {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		_, err := ledger.MigrateUp(ctx, dsn)
		cancel()
		if err == nil {
			break
		}
		if ctx.Err() == nil {
			t.Fatalf("after %d cuts: %v", cuts, err)
		}
		cuts++
	}
	if cuts < 3 {
		t.Errorf("cut off %d times only", cuts)
	}
	checkAdopted(t, db)
}

func TestMigrationsAtOnce(t *testing.T) {
	dsn := newDatabase(t)
	db := connect(t, dsn)
	seedOlder(t, db)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := ledger.MigrateUp(t.Context(), dsn); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	checkAdopted(t, db)
}

func TestForeignTableIsLeftAlone(t *testing.T) {
	dsn := newDatabase(t)
	db := connect(t, dsn)
	exec(t, db, olderConsumer)
	exec(t, db, "ALTER TABLE mq_consume_log ADD COLUMN tenant VARCHAR(10)")
	_, err := ledger.MigrateUp(t.Context(), dsn)
	if err == nil || !strings.Contains(err.Error(), "tenant") {
		t.Errorf("error %v, want one that names the columns", err)
	}
	exec(t, db, "INSERT INTO mq_consume_log (msg_id, topic, body, route_id, tenant) VALUES ('m', 't', 'b', 'r', 'x')")
}

// A migration that died behind its work and before its version was noted runs again.
func TestMigrationsRunAgain(t *testing.T) {
	dsn := migrated(t)
	db := connect(t, dsn)
	exec(t, db, "DELETE FROM billing_schema_version WHERE version_id > 0")
	if _, err := ledger.MigrateUp(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	if n := value[int](t, db, `SELECT COUNT(*) FROM information_schema.statistics WHERE table_schema = DATABASE() AND
		index_name = 'idx_claimed_key'`); n != 1 {
		t.Errorf("%d indexes of the conflicts", n)
	}
}

func TestSchemaMustBeCurrent(t *testing.T) {
	dsn := newDatabase(t)
	store, err := ledger.Open(ledger.Options{DSN: dsn})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.Current(t.Context()); !errors.Is(err, ledger.ErrSchema) || !strings.Contains(err.Error(), "billing-consumer migrate up") {
		t.Errorf("no tables: %v", err)
	}
	all, err := ledger.MigrateStatus(t.Context(), dsn)
	if err != nil || len(all) != 9 || !all[0].AppliedAt.IsZero() {
		t.Errorf("status %+v, %v", all, err)
	}
	if _, err := ledger.MigrateUp(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	if err := store.Current(t.Context()); err != nil {
		t.Errorf("migrated: %v", err)
	}
	db := connect(t, dsn)
	exec(t, db, "INSERT INTO billing_schema_version (version_id, is_applied) VALUES (9999, 1)")
	if err := store.Current(t.Context()); err != nil {
		t.Errorf("a newer schema that this binary can live with: %v", err)
	}
	exec(t, db, "UPDATE billing_schema_oldest SET version = 9999")
	if err := store.Current(t.Context()); !errors.Is(err, ledger.ErrSchema) || !strings.Contains(err.Error(), "run a newer one") {
		t.Errorf("a newer schema that it can't: %v", err)
	}
}

// What the migrations make is what schema.txt says, on every server: run with UPDATE_SCHEMA=1 to write it anew.
func TestSchemaIsAsDescribed(t *testing.T) {
	db := connect(t, migrated(t))
	got, err := migrations.Describe(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	const file = "../../../sql/migrations/schema.txt"
	if os.Getenv("UPDATE_SCHEMA") != "" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the schema is not as described; got\n%s", got)
	}
}

func TestValidateSchema(t *testing.T) {
	dsn := migrated(t)
	db := connect(t, dsn)
	if problems, extra, err := ledger.ValidateSchema(t.Context(), dsn); len(problems)+len(extra) != 0 || err != nil {
		t.Errorf("a fresh schema: %q, %q, %v", problems, extra, err)
	}
	for _, change := range []string{
		"ALTER TABLE mq_consume_log MODIFY consumer VARCHAR(64) COLLATE utf8mb4_general_ci",
		"ALTER TABLE mq_consume_log DROP INDEX ux_billing_key",
		"ALTER TABLE mq_consume_log DROP COLUMN dimensions",
		"ALTER TABLE mq_consume_log ADD UNIQUE INDEX ux_msg (msg_id)",
		"ALTER TABLE mq_consume_log ADD COLUMN note VARCHAR(9), ADD INDEX idx_note (note)",
		"DROP TABLE usage_hourly",
		"CREATE TABLE theirs (id INT PRIMARY KEY)",
	} {
		exec(t, db, change)
	}
	problems, extra, err := ledger.ValidateSchema(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"column mq_consume_log.consumer is varchar(64) NULL utf8mb4_general_ci", "index mq_consume_log.ux_billing_key is missing",
		"column mq_consume_log.dimensions is missing", "index mq_consume_log.ux_msg is unique", "column usage_hourly.hour is missing",
	} {
		if !strings.Contains(strings.Join(problems, "\n"), want) {
			t.Errorf("not found: %s", want)
		}
	}
	if want := "column mq_consume_log.note: varchar(9) NULL utf8mb4_bin|column theirs.id: int NOT NULL|index mq_consume_log.idx_note: (note)|index theirs.PRIMARY: UNIQUE (id)"; strings.Join(extra, "|") != want {
		t.Errorf("added is %q, want %s", extra, want)
	}
}

// The sums of records that were pruned are all that is left of them: a migration that makes sums anew does not take them away.
func TestMigrationKeepsTheSumsOfWhatWasPruned(t *testing.T) {
	dsn := migrated(t)
	db := connect(t, dsn)
	exec(t, db, "DELETE FROM billing_schema_version WHERE version_id > 7")
	exec(t, db, "INSERT INTO usage_hourly SELECT '2026-01-01 00:00:00', REPEAT('b', 32), 'request', NULL, NULL, NULL, NULL, NULL, 1, 5, 5, "+
		"0, 0, 0, 0, 0, 0, 0, 0, 0")
	exec(t, db, "UPDATE retention SET horizon = '2026-02-01' WHERE kind = 'ledger'")
	_, err := ledger.MigrateUp(t.Context(), dsn)
	var kept int
	if scan := db.QueryRow("SELECT SUM(records) FROM usage_hourly").Scan(&kept); scan != nil || kept != 5 {
		t.Errorf("%d requests are left in the sums, %v", kept, scan)
	}
	if err == nil || !strings.Contains(err.Error(), "RENAME TABLE usage_hourly") {
		t.Fatalf("%v", err)
	}
	exec(t, db, "RENAME TABLE usage_hourly TO usage_hourly_7, usage_delta TO usage_delta_7")
	if _, err := ledger.MigrateUp(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
}

// Migrations need these rights and no more, of a database that is empty and of an older consumer's. INDEX and DELETE are not
// among them.
func TestMigrationsNeedTheRightsThatAreNamed(t *testing.T) {
	for _, older := range []bool{false, true} {
		dsn := stack.Shared(t).Database.NewDatabase(t)
		db := connect(t, dsn)
		if older {
			exec(t, db, olderConsumer)
			exec(t, db, "INSERT INTO mq_consume_log (msg_id, topic, body, route_id) VALUES ('1', 't', '{}', 'r')")
		}
		user := asUser(t, db, dsn, "SELECT, INSERT, UPDATE, CREATE, ALTER, DROP ON *")
		if _, err := ledger.MigrateUp(t.Context(), user); err != nil {
			t.Errorf("older %t: %v", older, err)
		}
	}
}
