package cli_test

import (
	"context"
	"strings"
	"testing"
	"time"

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
		{args: "prune --bodies 30s", code: cli.ExitError, want: "at least 1h"},
		{args: "prune --bodies 30d --dry-run", code: cli.ExitUsage, want: "--ledger alone"},
		{args: "prune", set: "BILLING_RETENTION_BODIES=1d", want: "0 bodies emptied, 0 dead letters deleted\n"},
		{args: "prune --ledger 1d", code: cli.ExitError, want: "keeps at least the last 48 hours"},
		{args: "prune --ledger 15d --dry-run", want: "2 records of requests before "},
		{args: "prune --ledger 15d", want: "2 records of requests before "},
		{args: "prune --ledger 15d", want: "0 records of requests before "},
	} {
		got := run(t, "", append([]string{tt.set}, environ...), strings.Fields(tt.args)...)
		if got.code != tt.code || !strings.Contains(got.stdout+got.stderr, tt.want) {
			t.Errorf("%s %s: exit %d, %s%s, want %d and %q", tt.set, tt.args, got.code, got.stdout, got.stderr, tt.code, tt.want)
		}
	}
}
