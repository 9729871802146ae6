package cli_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"gateway-billing.internal/consumer/internal/cli"
	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/shared/testkit/stack"
)

// prune says what went, takes ages from the flags or else the configuration, and counts before it deletes records.
func TestPrune(t *testing.T) {
	dsn := stack.Shared(t).Database.NewDatabase(t)
	environ := []string{"BILLING_MYSQL_DSN=" + dsn}
	if got := run(t, "", environ, "migrate", "up"); got.code != cli.ExitOK {
		t.Fatalf("%+v", got)
	}
	store, err := ledger.Open(ledger.Options{DSN: dsn})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	w := store.NewWriter()
	var unit record.Unit
	for days := range 4 {
		began := time.Now().AddDate(0, 0, -10*days)
		key, err := billingkey.NewKey(began.UnixMilli(), [16]byte{byte(days)})
		if err != nil {
			t.Fatal(err)
		}
		unit.Records = append(unit.Records, record.Record{
			Key: key, KeySource: record.KeyFromGateway, KeyState: billingkey.Verified, RequestTime: began.UTC(),
			Usage: record.Usage{State: record.UsageNone, Source: record.UsageFromNone}, BillableReason: "success", Body: "{}",
		})
	}
	if _, err := w.Commit(t.Context(), unit); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args string
		set  string
		code int
		want string
	}{
		{args: "prune", code: cli.ExitError, want: "nothing to prune"},
		{args: "prune --bodies 30", code: cli.ExitUsage, want: "must be an age such as 30d"},
		{args: "prune --bodies never", code: cli.ExitUsage, want: "must be an age"},
		{args: "prune --bodies 30m", code: cli.ExitUsage, want: "--bodies must be at least 1h"},
		{args: "prune --dead-letters 30s", code: cli.ExitUsage, want: "--dead-letters must be at least 1h"},
		{args: "prune", set: "BILLING_RETENTION_BODIES=30m", code: cli.ExitError, want: "retention.bodies: must be at least 1h"},
		{args: "prune --bodies 30d --dry-run", code: cli.ExitUsage, want: "--ledger alone"},
		{args: "prune", set: "BILLING_RETENTION_BODIES=1d", want: "0 bodies emptied, 0 dead letters deleted\n"},
		{args: "prune --ledger 1d", code: cli.ExitError, want: "keeps at least the last 48 hours"},
		{args: "prune --ledger 15d", set: mayNotDelete(t, dsn), code: cli.ExitError, want: "needs DELETE on mq_consume_log: "},
		{args: "prune --ledger 15d --dry-run", want: "2 records of requests before "},
		{args: "prune --ledger 15d", want: "2 records of requests before "},
		{args: "prune --ledger 15d", want: "0 records of requests before "},
	} {
		got := run(t, "", append(environ[:1:1], tt.set), strings.Fields(tt.args)...)
		if got.code != tt.code || !strings.Contains(got.stdout+got.stderr, tt.want) {
			t.Errorf("%s %s: exit %d, %s%s, want %d and %q", tt.set, tt.args, got.code, got.stdout, got.stderr, tt.code, tt.want)
		}
		if tt.code != cli.ExitOK && got.stdout != "" {
			t.Errorf("%s %s failed and says that it did: %s", tt.set, tt.args, got.stdout)
		}
	}
}

// mayNotDelete is the environment of a user of the database who may do all but delete.
func mayNotDelete(t *testing.T, dsn string) string {
	t.Helper()
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	const user = "'prune_keeps'@'127.0.0.1'"
	execute := func(statement string) {
		if _, err := db.ExecContext(context.Background(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	t.Cleanup(func() { execute("DROP USER " + user); db.Close() })
	execute("CREATE USER " + user + " IDENTIFIED BY 'secret'")
	execute("GRANT SELECT, INSERT, UPDATE ON `" + cfg.DBName + "`.* TO " + user)
	cfg.User, cfg.Passwd = "prune_keeps", "secret"
	return "BILLING_MYSQL_DSN=" + cfg.FormatDSN()
}
