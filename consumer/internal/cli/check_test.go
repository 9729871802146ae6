package cli_test

import (
	"encoding/json"
	"strings"
	"testing"

	"gateway-billing.internal/consumer/internal/check"
	"gateway-billing.internal/consumer/internal/cli"
	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/shared/testkit/stack"
)

// check exits with 0 unless a line is an error, warnings or not; both forms hold the same lines.
func TestCheck(t *testing.T) {
	t.Parallel()
	mq, db := stack.Shared(t).RocketMQ, stack.Shared(t).Database
	dsn := db.NewDatabase(t)
	environ := []string{
		"BILLING_ROCKETMQ_NAME_SERVERS=" + mq.NameServer.Addr(), "BILLING_ROCKETMQ_TOPIC=" + mq.NewTopic(t, 1),
		"BILLING_ROCKETMQ_GROUP=" + mq.NewGroup(t), "BILLING_MYSQL_DSN=" + dsn, "BILLING_TYPO=1",
	}

	got := run(t, "", environ, "check") // the database has no tables yet
	if got.code != cli.ExitError || !strings.Contains(got.stderr, "see the lines with error") {
		t.Errorf("without tables: %+v", got)
	}
	if !strings.Contains(got.stdout, "\nerror    database.schema ") || !strings.Contains(got.stdout, "cure: run `billing-consumer migrate up`") {
		t.Errorf("without tables:\n%s", got.stdout)
	}

	if _, err := ledger.MigrateUp(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	got = run(t, "", environ, "check")
	if got.code != cli.ExitOK || got.stderr != "" {
		t.Errorf("with tables: %+v", got)
	}
	asJSON := run(t, "", environ, "check", "--output", "json")
	if asJSON.code != cli.ExitOK || asJSON.stderr != "" {
		t.Errorf("as JSON: %+v", asJSON)
	}
	warned := false
	for text := range strings.Lines(asJSON.stdout) {
		var line check.Line
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		warned = warned || line.Status == check.Warning && strings.Contains(line.Detail, "BILLING_TYPO")
		if line.Status == check.Error || !strings.Contains(got.stdout, line.Check) {
			t.Errorf("an error, or not in the table: %s", text)
		}
	}
	if !warned {
		t.Errorf("no warning of BILLING_TYPO:\n%s", asJSON.stdout)
	}
}

// A command line that is wrong is told from a set-up that is.
func TestCheckMisuse(t *testing.T) {
	for _, line := range []string{"check now", "check --output xml", "check --nonsense", "config", "config show", "config print x", "config print --output xml"} {
		if got := run(t, "", nil, strings.Fields(line)...); got.code != cli.ExitUsage || got.stdout != "" {
			t.Errorf("%q: %+v", line, got)
		}
	}
}
