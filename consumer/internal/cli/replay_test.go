package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"gateway-billing.internal/consumer/internal/cli"
	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/shared/testkit/stack"
)

func TestWrongReplays(t *testing.T) {
	for _, line := range []string{
		"replay", "replay x", "replay --from 2026-01-01T00:00:00Z", "replay --to 2026-01-01T00:00:00Z",
		"replay --file f --from 2026-01-01T00:00:00Z", "replay --from noon --to 2026-01-01T00:00:00Z",
		"replay --from 2026-01-02T00:00:00Z --to 2026-01-01T00:00:00Z", "replay --from 2026-01-01T00:00:00Z --to 2999-01-01T00:00:00Z",
		"replay --from today --to yesterday", "replay --file f --rate -1", "replay --file f --list", "replay --file f --dry-run --state s", "replay --file f --output xml",
	} {
		got := run(t, "", nil, strings.Fields(line)...)
		if got.code != cli.ExitUsage || got.stdout != "" || !strings.HasSuffix(got.stderr, "\nSee 'billing-consumer replay --help'.\n") {
			t.Errorf("%q: %+v", line, got)
		}
	}
}

func compressedWith(t *testing.T, text string, compress string) string {
	t.Helper()
	var out bytes.Buffer
	switch compress {
	case "gzip":
		w := gzip.NewWriter(&out)
		fmt.Fprint(w, text)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	case "zstd":
		w, err := zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(w, text)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	default:
		return text
	}
	return out.String()
}

// A file of message bodies, from wherever and however compressed: what a dry run says of it, with the list of what is not
// recorded yet, and what its replay then does; a copy of it is all duplicates.
func TestReplayOfAFile(t *testing.T) {
	dsn := stack.Shared(t).Database.NewDatabase(t)
	if _, err := ledger.MigrateUp(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	environ := []string{"BILLING_MYSQL_DSN=" + dsn}
	sample, err := os.ReadFile("../../../shared/logentry/testdata/apisix-3.18/rocketmq-array3.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	three := strings.TrimSpace(string(sample))
	text := three + "\nnot JSON\n\n" + three + "\n" + "[7]\n"
	path := filepath.Join(t.TempDir(), "bodies.zst")
	if err := os.WriteFile(path, []byte(compressedWith(t, text, "zstd")), 0o600); err != nil {
		t.Fatal(err)
	}

	dry := run(t, compressedWith(t, text, "gzip"), environ, "replay", "--file", "-", "--dry-run", "--list", "--output", "json")
	if dry.code != cli.ExitOK || dry.stderr != "" {
		t.Fatalf("%+v", dry)
	}
	var fates []string
	for line := range strings.Lines(dry.stdout) {
		var v struct {
			Fate, Reason, Place string
			Key                 *string `json:"billing_key"`
			Summary             bool
			Entries, Duplicate  int
			Reasons             map[string]int
		}
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatal(err)
		}
		if v.Summary {
			if v.Entries != 8 || v.Duplicate != 3 || len(v.Reasons) != 2 || v.Reasons["not_json"] != 1 {
				t.Errorf("summary %s", line)
			}
			continue
		}
		if (v.Key == nil) != (v.Fate == "rejected") {
			t.Errorf("without a key: %s", line)
		}
		fates = append(fates, strings.TrimSpace(v.Fate+" "+v.Reason)+" "+v.Place)
	}
	if got, want := strings.Join(fates, ", "), "new -:1, new -:1, new -:1, rejected not_json -:2, rejected not_an_entry -:5"; got != want {
		t.Errorf("foreseen %q, want %q", got, want)
	}

	first := run(t, "", environ, "replay", "--file", path)
	const end = "messages  4\nentries   8 = %d recorded + %d duplicate + 0 conflict + 2 rejected\nraised    0 of the duplicates\nrejected  1 not_an_entry\nrejected  1 not_json\nnote      %s: 1 blank lines hold no message\n"
	if want := fmt.Sprintf(end, 3, 3, path); first.code != cli.ExitOK || first.stdout != want || first.stderr != "" {
		t.Errorf("%+v, want\n%s", first, want)
	}
	again := run(t, text, environ, "replay", "--file", "-")
	if want := fmt.Sprintf(end, 0, 6, "-"); again.code != cli.ExitOK || again.stdout != want {
		t.Errorf("%+v, want\n%s", again, want)
	}
	// Where the position can't be kept nothing is read, and what an earlier run did is told apart.
	state := filepath.Join(t.TempDir(), "state")
	lost := run(t, "", environ, "replay", "--file", path, "--state", filepath.Join(state, "of", "nowhere"))
	if lost.code != cli.ExitError || !strings.Contains(lost.stderr, "save the position: ") || !strings.Contains(lost.stdout, "messages  0\n") {
		t.Errorf("%+v", lost)
	}
	const together = "of this run and of the earlier ones that --state knows, together:\n"
	for runs, begins := range []string{"", together} {
		got := run(t, "", environ, "replay", "--file", path, "--state", state)
		want, _, _ := strings.Cut(fmt.Sprintf(begins+end, 0, 6, path), "note ") // which is of what this run read
		if got.code != cli.ExitOK || !strings.HasPrefix(got.stdout, want) {
			t.Errorf("run %d: %+v, want\n%s", runs+1, got, want)
		}
	}
	table := run(t, text, environ, "replay", "--file", "-", "--dry-run", "--list").stdout
	for _, part := range []string{
		"rejected\t?\t?\t?\t?\t?\t-:2\tmessage\tnot_json\n", "dry run: nothing was written\nmessages  4\n", "= 0 new + 6 duplicate +", "rejected  1 not_json\n",
	} {
		if !strings.Contains(table, part) {
			t.Errorf("the table lacks %q:\n%s", part, table)
		}
	}
	letters := run(t, "", environ, "deadletters", "show", "1", "--output", "json").stdout + run(t, "", environ, "deadletters", "show", "2", "--output", "json").stdout
	for reason, line := range map[string]string{"not_json": `"queue_offset":2`, "not_an_entry": `"queue_offset":5`} {
		found := false
		for letter := range strings.Lines(letters) {
			found = found || strings.Contains(letter, `"reason":"`+reason+`"`) && strings.Contains(letter, line+`,"file":"`+path+`"`)
		}
		if !found {
			t.Errorf("the dead letter %s does not say where it was read: %s", reason, letters)
		}
	}
}

// A line that is longer than is read becomes a dead letter with its beginning, and those around it are recorded.
func TestReplayOfATooLongLine(t *testing.T) {
	dsn := stack.Shared(t).Database.NewDatabase(t)
	if _, err := ledger.MigrateUp(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	environ := []string{"BILLING_MYSQL_DSN=" + dsn}
	sample, err := os.ReadFile("../../../shared/logentry/testdata/apisix-3.18/rocketmq-array3.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	three := strings.TrimSpace(string(sample))
	long := `{"a":"` + strings.Repeat("x", 17<<20) + `"}`
	got := run(t, long+"\n"+three+"\n"+long, environ, "replay", "--file", "-", "--output", "json")
	if got.code != cli.ExitOK || !strings.Contains(got.stdout, `"entries":5,"recorded":3,"duplicate":0,"conflict":0,"rejected":2`) {
		t.Fatalf("%+v", got)
	}
	letters := run(t, "", environ, "deadletters", "list", "--output", "json").stdout
	if strings.Count(letters, "\n") != 1 || !strings.Contains(letters, `"reason":"too_large"`) ||
		!strings.Contains(letters, fmt.Sprintf(`"raw_length":%d`, len(long))) || !strings.Contains(letters, `"deliveries":2`) {
		t.Errorf("dead letters %s", letters)
	}
	if out := run(t, "", environ, "deadletters", "redrive", "--all").stdout; !strings.Contains(out, "its raw bytes were cut") {
		t.Errorf("redriven from its beginning alone: %s", out)
	}
}
