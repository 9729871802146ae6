package cli_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"

	"gateway-billing.internal/consumer/internal/cli"
	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/shared/testkit/stack"
)

// usageOf is a ledger with records: who used which model at which time, one request each.
func usageOf(t *testing.T, all ...used) (environ []string, dsn string) {
	t.Helper()
	dsn = stack.Shared(t).Database.NewDatabase(t)
	environ = []string{"BILLING_MYSQL_DSN=" + dsn}
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
	for i, u := range all {
		var id [16]byte
		rand.Read(id[:])
		key, err := billingkey.NewKey(u.at.UnixMilli(), id)
		if err != nil {
			t.Fatal(err)
		}
		unit.Records = append(unit.Records, record.Record{
			Origin: record.Origin{Topic: "t", MsgID: "m", Broker: "b"}, EntryIndex: i, Key: key, KeySource: record.KeyFromGateway, KeyState: billingkey.Verified,
			FingerprintKey: key, RequestID: new(billingkey.RequestID(id).String()), Consumer: &u.consumer, RouteID: new("chat"), Status: new(200),
			RequestTime: u.at.UTC(), Billable: true, BillableReason: "success", Body: "{}", URI: new("/v1/chat\n,\"x\""),
			Usage: record.Usage{State: u.state, Source: record.UsageFromBody, PromptTokens: u.tokens, TotalTokens: u.tokens, Model: &u.model},
		})
	}
	if _, err := w.Commit(t.Context(), unit); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, err := store.FoldUsage(t.Context()); err != nil {
		t.Fatal(err)
	}
	return environ, dsn
}

type used struct {
	consumer, model string
	at              time.Time
	tokens          int64
	state           record.UsageState
}

// What did alice use yesterday, by model?
func TestUsageReport(t *testing.T) {
	yesterday := time.Now().UTC().AddDate(0, 0, -1).Truncate(24 * time.Hour)
	environ, _ := usageOf(t,
		used{"alice", "gpt", yesterday.Add(time.Hour), 100, record.UsageExact},
		used{"alice", "gpt", yesterday.Add(23*time.Hour + 59*time.Minute), 11, record.UsagePartial},
		used{"alice", "claude", yesterday.Add(2 * time.Hour), 7, record.UsageExact},
		used{"alice", "gpt", yesterday.Add(-time.Millisecond), 1000, record.UsageExact},
		used{"bob", "gpt", yesterday.Add(time.Hour), 5000, record.UsageExact},
	)
	file := filepath.Join(t.TempDir(), "usage.parquet")
	for _, tt := range []struct {
		args string
		code int
		want []string
		not  []string
	}{
		{"usage report --from yesterday --consumer alice --by model", cli.ExitOK, []string{"MODEL RECORDS PARTIAL PROMPT COMPLETION TOKENS", "claude 1 0 7 0 7", "gpt 2 1 111 0 111", "all 3 1 118 0 118"}, []string{"5000", "1000"}},
		{"usage report --from yesterday --by day,consumer --output csv", cli.ExitOK, []string{"alice,3,0,1,118,0,118", "bob,1,0,0,5000,0,5000"}, []string{"1000"}},
		{"usage report --from " + yesterday.Format(time.RFC3339) + " --zone Asia/Kolkata --by hour,consumer --consumer bob --output ndjson", cli.ExitOK, []string{`06:00:00+05:30","to":"`, `"group":{"consumer":"bob"},"records":1,`}, nil},
		{"usage report --from yesterday --by dimension:team", cli.ExitOK, []string{"? 4"}, nil},
		{"usage report --from yesterday --output parquet --file " + file, cli.ExitOK, nil, nil},
		{"usage report --from 2001-01-01 --by consumer", cli.ExitOK, []string{"all 0 0 0 0"}, nil},
		{"usage report --output parquet", cli.ExitUsage, nil, nil},
		{"usage report --from noon", cli.ExitUsage, nil, nil},
		{"usage report --by price", cli.ExitUsage, nil, nil},
		{"usage report --zone Mars/North", cli.ExitUsage, nil, nil},
		{"usage report --billable maybe", cli.ExitUsage, nil, nil},
		{"usage report --from yesterday --status 2xx --status ? --by status", cli.ExitOK, []string{"2xx 4"}, nil},
	} {
		got := run(t, "", environ, strings.Fields(tt.args)...)
		text := strings.Join(strings.Fields(got.stdout), " ")
		if got.code != tt.code {
			t.Errorf("%s: exit code %d, want %d: %s", tt.args, got.code, tt.code, got.stderr)
		}
		for _, want := range tt.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q in\n%s", tt.args, want, got.stdout)
			}
		}
		for _, not := range tt.not {
			if strings.Contains(text, not) {
				t.Errorf("%s: %q in\n%s", tt.args, not, got.stdout)
			}
		}
	}
}

// verify says that all is right, then what is not, and rebuild mends it.
func TestUsageVerifyAndRebuild(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	environ, dsn := usageOf(t, used{"alice", "gpt", at, 100, record.UsageExact}, used{"bob", "gpt", at, 5, record.UsageExact})
	if got := run(t, "", environ, "usage", "verify"); got.code != cli.ExitOK || !strings.Contains(got.stdout, "2 records of 1 days compared, 0 sums differ") {
		t.Errorf("%+v", got)
	}
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("UPDATE usage_hourly SET total_tokens = 99 WHERE consumer = 'alice'"); err != nil {
		t.Fatal(err)
	}
	got := run(t, "", environ, "usage", "verify", "--from", "2026-03-04")
	if want := "hour of 2026-03-04T05:00Z, consumer alice, route chat, service ?, model gpt, status 2xx, billable true: total_tokens is 99 and must be 100;"; got.code != cli.ExitError || !strings.Contains(got.stdout, want) {
		t.Errorf("%+v, want %s", got, want)
	}
	if got := run(t, "", environ, "usage", "verify", "--from", "2026-03-05", "--to", "2026-03-06"); got.code != cli.ExitOK {
		t.Errorf("another day: %+v", got)
	}
	if got := run(t, "", environ, "usage", "rebuild"); got.code != cli.ExitUsage {
		t.Errorf("rebuild of no time: %+v", got)
	}
	if got := run(t, "", environ, "usage", "rebuild", "--from", "2026-03-04"); got.code != cli.ExitOK || !strings.Contains(got.stdout, "1 sums mended") {
		t.Errorf("%+v", got)
	}
	if got := run(t, "", environ, "usage", "verify"); got.code != cli.ExitOK {
		t.Errorf("%+v", got)
	}
}

// Exports hold the records of a time, with the figures of a report, and go on where they were cut.
func TestUsageExport(t *testing.T) {
	yesterday := time.Now().UTC().AddDate(0, 0, -1).Truncate(24 * time.Hour)
	environ, _ := usageOf(t,
		used{"alice", "gpt", yesterday, 100, record.UsageExact},
		used{"bob", "gpt", yesterday.Add(time.Hour), 7, record.UsageExact},
		used{"alice", "gpt", yesterday.Add(-time.Millisecond), 1000, record.UsageExact},
		used{"alice", "gpt", yesterday.Add(24 * time.Hour), 1000, record.UsageExact},
	)
	got := run(t, "", environ, "usage", "export", "--from", "yesterday")
	lines := strings.Split(strings.TrimSpace(got.stdout), "\n")
	if got.code != cli.ExitOK || got.stderr != "2 records with 107 tokens\n" || len(lines) != 2 || !strings.Contains(lines[0], `"consumer":"alice"`) ||
		!strings.Contains(lines[0], `"total_tokens":100,`) {
		t.Errorf("%+v", got)
	}
	dir := t.TempDir()
	for form, parts := range map[string]string{"ndjson": "", "csv": "", "parquet": "-0001.parquet"} {
		file := filepath.Join(dir, form)
		args := []string{"usage", "export", "--from", "yesterday", "--output", form, "--file", file}
		if got := run(t, "", environ, args...); got.code != cli.ExitOK || got.stderr != "2 records with 107 tokens\n" || got.stdout != "" {
			t.Errorf("%s: %+v", form, got)
		}
		if got := run(t, "", environ, args...); got.code != cli.ExitError || !strings.Contains(got.stderr, "--resume") {
			t.Errorf("%s, where it is there: %+v", form, got)
		}
		whole, err := os.ReadFile(file + parts)
		if err != nil {
			t.Fatal(err)
		}
		want := "0 records with 0 tokens in this run, behind those that were there\n"
		if parts == "" { // as if it had been interrupted
			want = "1 records with 7 tokens in this run, behind those that were there\n"
			if err := os.Truncate(file, int64(len(whole)-5)); err != nil {
				t.Fatal(err)
			}
		}
		if got := run(t, "", environ, append(args, "--resume")...); got.code != cli.ExitOK || got.stderr != want {
			t.Errorf("%s, resumed: %+v", form, got)
		}
		if again, err := os.ReadFile(file + parts); err != nil || string(again) != string(whole) {
			t.Errorf("%s, resumed, is another, %v:\n%s\n%s", form, err, again, whole)
		}
	}
	for _, args := range []string{"usage export --output xml", "usage export --output parquet", "usage export --resume", "usage export --from noon", "usage"} {
		if got := run(t, "", environ, strings.Fields(args)...); got.code == cli.ExitOK {
			t.Errorf("%s: %+v", args, got)
		}
	}
}
