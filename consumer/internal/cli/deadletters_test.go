package cli_test

import (
	"crypto/sha256"
	"strings"
	"testing"

	"gateway-billing.internal/consumer/internal/cli"
	"gateway-billing.internal/consumer/internal/deadletter"
	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/shared/testkit/stack"
)

// Dead letters are listed, shown without secrets, redriven and discarded, and who did it is shown.
func TestDeadLetters(t *testing.T) {
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
	letter := func(reason, topic, raw string, index int) record.Reject {
		return record.Reject{
			Origin: record.Origin{Topic: topic, MsgID: "m-" + topic}, EntryIndex: index, Reason: reason, Detail: "why",
			Raw: []byte(raw), BodySHA256: sha256.Sum256([]byte(raw)),
		}
	}
	good := `{"route_id":"r1","client_ip":"10.0.0.1","start_time":1795347865715,"latency":3,"request":{"method":"POST","uri":"/v1",` +
		`"size":200,"headers":{"host":"h","authorization":"Bearer hush"}},"response":{"status":200,"size":300,"headers":{}}}`
	if _, err := writer.Commit(t.Context(), record.Unit{Rejects: []record.Reject{
		letter(deadletter.ReasonNotJSON, "a", "authorization: hush \x1b[2J", -1),
		letter(deadletter.BadValue("route_id"), "b", good, 0),
		letter(deadletter.ReasonNotAnEntry, "b", `["hush"]`, 1),
	}}); err != nil {
		t.Fatal(err)
	}
	environ := []string{"BILLING_MYSQL_DSN=" + dsn}
	ids := map[string]string{} // by reason
	command := func(args string) string {
		t.Helper()
		got := run(t, "", environ, strings.Fields("deadletters "+args)...)
		if got.code != cli.ExitOK || got.stderr != "" || strings.Contains(got.stdout, "\x1b") {
			t.Fatalf("%q: %+v", args, got)
		}
		return got.stdout
	}
	for line := range strings.Lines(command("list")) {
		if fields := strings.Fields(line); fields[0] != "ID" {
			ids[fields[3]] = fields[0]
		}
	}
	for args, want := range map[string]int{
		"": 3, "--reason not_json": 1, "--reason bad_value": 1, "--reason bad_value:route_id": 1, "--topic b": 2, "--limit 2": 2,
		"--from 2020-01-01T00:00:00Z": 3, "--to 2020-01-01T00:00:00Z": 0, "--from 2020-01": 3, "--to 2020-01-02": 0, "--status redriven": 0, "--status all": 3,
	} {
		if n := strings.Count(command("list --output json "+args), "\n"); n != want {
			t.Errorf("list %s: %d, want %d", args, n, want)
		}
	}
	for reason, id := range ids {
		for _, output := range []string{"table", "json"} {
			show := "show " + id + " --output " + output
			if text := command(show); strings.Contains(text, "hush") || strings.Contains(text, "10.0.0.1") != (reason == "bad_value:route_id") {
				t.Errorf("%s of %s:\n%s", show, reason, text)
			}
			if text := command(show + " --raw"); !strings.Contains(text, "hush") {
				t.Errorf("%s --raw of %s:\n%s", show, reason, text)
			}
		}
	}
	if text := command("redrive --all --dry-run"); !strings.Contains(text, "1 redriven, 0 discarded, 2 still pending") {
		t.Errorf("dry run:\n%s", text)
	}
	if got := run(t, "", environ, strings.Fields("deadletters redrive --topic b --by ann")...); got.code != cli.ExitError ||
		!strings.Contains(got.stdout, "1 redriven, 0 discarded, 1 still pending") || got.stderr != "billing-consumer: failed again and still pending: 1\n" {
		t.Errorf("redrive: %+v", got)
	}
	if text := command("redrive " + ids["bad_value:route_id"]); !strings.Contains(text, "1 were not pending") {
		t.Errorf("redriven again:\n%s", text)
	}
	if text := command("discard --reason not_json --by bob --why known"); !strings.Contains(text, "1 discarded") {
		t.Errorf("discard:\n%s", text)
	}
	for reason, want := range map[string]string{
		"bad_value:route_id": "redrive by ann: redriven", "not_an_entry": "redrive by ann: pending", "not_json": "discard by bob: discarded, known",
	} {
		if text := command("show " + ids[reason]); !strings.Contains(text, want) {
			t.Errorf("the audit of %s lacks %q:\n%s", reason, want, text)
		}
	}
}

func TestWrongCommandLinesOfDeadLetters(t *testing.T) {
	for _, line := range []string{
		"", "mend", "list x", "list --status open", "list --limit 0", "list --from x", "list --output xml", "show", "show x",
		"show 1 2", "redrive", "redrive x", "redrive 1 --all", "discard", "discard 0", "discard 1 --topic t",
	} {
		if got := run(t, "", nil, strings.Fields("deadletters "+line)...); got.code != cli.ExitUsage || got.stdout != "" {
			t.Errorf("%q: %+v", line, got)
		}
	}
}
