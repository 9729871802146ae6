package cli_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"gateway-billing.internal/consumer/internal/cli"
	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/shared/testkit/stack"
)

// The record that claimed a key and the one that holds it stand together, by time and by APISIX consumer on either side.
func TestConflicts(t *testing.T) {
	dsn := stack.Shared(t).Database.NewDatabase(t)
	if _, err := ledger.MigrateUp(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	store, err := ledger.Open(ledger.Options{DSN: dsn})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	writer := store.NewWriter()
	defer writer.Close(t.Context())
	start := time.Date(2026, 3, 4, 5, 6, 7, 890e6, time.UTC)
	key := func(at time.Time, n byte) billingkey.Key {
		k, err := billingkey.NewKey(at.UnixMilli(), [16]byte{n})
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	request := func(at time.Time, consumer string, print byte) record.Record {
		return record.Record{
			Key: key(at, 1), FingerprintKey: key(at, print), KeySource: record.KeyFromGateway, KeyState: billingkey.Verified,
			Origin: record.Origin{MsgID: "msg-" + consumer}, Consumer: &consumer, RouteID: new("r1"), Method: new("POST"),
			URI: new("/a\x1b[2J"), Status: new(200), RequestTime: at,
			Usage:    record.Usage{State: record.UsageNone, Source: record.UsageFromNone},
			Billable: true, BillableReason: "success",
		}
	}
	later := start.Add(time.Hour)
	if _, err := writer.Commit(t.Context(), record.Unit{Records: []record.Record{
		request(start, "alice", 2), request(start, "bob", 3), request(later, "carol", 4), request(later, "", 5),
	}}); err != nil {
		t.Fatal(err)
	}
	environ := []string{"BILLING_MYSQL_DSN=" + dsn}
	for _, tt := range []struct{ args, want string }{
		{"", " against carol, bob against alice"},
		{"--limit 1", " against carol"},
		{"--from 2026-03-04T06:00:00Z", " against carol"},
		{"--to 2026-03-04T06:00:00Z", "bob against alice"},
		{"--from 2026-03-04 --to today", " against carol, bob against alice"},
		{"--to 2026-03-04", ""},
		{"--consumer alice", "bob against alice"},
		{"--consumer bob", "bob against alice"},
		{"--consumer=", " against carol"},
		{"--consumer Alice", ""},
	} {
		args := append([]string{"conflicts", "--output", "json"}, strings.Fields(tt.args)...)
		got := run(t, "", environ, args...)
		if got.code != cli.ExitOK || got.stderr != "" {
			t.Fatalf("%q: %+v", tt.args, got)
		}
		var pairs []string
		for line := range strings.Lines(got.stdout) {
			var c struct {
				ClaimedKey     string `json:"claimed_key"`
				Record, Holder struct {
					Key      string `json:"billing_key"`
					Consumer string
				}
			}
			if err := json.Unmarshal([]byte(line), &c); err != nil {
				t.Fatal(err)
			}
			pairs = append(pairs, c.Record.Consumer+" against "+c.Holder.Consumer)
			if c.ClaimedKey != c.Holder.Key || len(c.Record.Key) != 44 || c.ClaimedKey == c.Record.Key {
				t.Errorf("keys %+v", c)
			}
		}
		if list := strings.Join(pairs, ", "); list != tt.want {
			t.Errorf("%q: %q, want %q", tt.args, list, tt.want)
		}
	}
	table := run(t, "", environ, "conflicts").stdout
	for _, part := range []string{"2026-03-04T05:06:07.890Z  " + key(start, 3).String(), "held by", key(start, 1).String(), `"/a\x1b[2J"`} {
		if !strings.Contains(table, part) {
			t.Errorf("the table lacks %q:\n%s", part, table)
		}
	}
	if n := strings.Count(table, "\n"); n != 5 || strings.Contains(table, "\x1b") {
		t.Errorf("%d lines, want 5 without control characters:\n%s", n, table)
	}
}
