package main_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// summary is the last line of replay --output json.
type summary struct {
	Complete                                                           bool
	Messages, Entries, Recorded, Duplicate, Conflict, Rejected, Raised int
	Notes                                                              []string
}

// replay runs a replay to its end. code is its exit code.
func (w *world) replay(t *testing.T, args ...string) (s summary, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, append([]string{"replay", "--output", "json", "--config", w.config(t)}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	if err := json.Unmarshal(lines[len(lines)-1], &s); err != nil {
		t.Fatalf("replay %q: exit %d, %v\n%s\n%s", args, code, err, out, &stderr)
	}
	return s, code
}

// replayed is replay where nothing may fail.
func (w *world) replayed(t *testing.T, args ...string) summary {
	t.Helper()
	s, code := w.replay(t, args...)
	if code != 0 || !s.Complete {
		t.Fatalf("replay %q: exit %d, %+v", args, code, s)
	}
	if s.Entries != s.Recorded+s.Duplicate+s.Conflict+s.Rejected {
		t.Errorf("the entries are not all accounted for: %+v", s)
	}
	return s
}

// beside is the same topic and group with an empty ledger of its own.
func (w *world) beside(t *testing.T) *world {
	t.Helper()
	other := newWorld(t, "")
	other.topic, other.group = w.topic, w.group
	return other
}

// ledger is all that says what was recorded and where it came from.
func (w *world) ledger(t *testing.T) []string {
	t.Helper()
	rows, err := w.db.QueryContext(t.Context(), `SELECT CONCAT_WS('|', HEX(billing_key), key_source, key_state, msg_id, topic, IFNULL(tags, '-'),
		IFNULL(message_keys, '-'), queue_id, queue_offset, entry_index, IFNULL(consumer, '-'), route_id, total_tokens, usage_state, billable,
		duplicates, body) FROM mq_consume_log ORDER BY billing_key`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var row string
		if err := rows.Scan(&row); err != nil {
			t.Fatal(err)
		}
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func (w *world) committed(t *testing.T) []int64 {
	t.Helper()
	offsets, err := w.broker.CommittedOffsets(t.Context(), w.group, w.topic)
	if err != nil {
		t.Fatal(err)
	}
	return offsets
}

// moment is a time that parts what was stored before from what is stored from now on.
func moment(t *testing.T) string {
	t.Helper()
	at := time.Now().Add(2 * time.Millisecond).Truncate(time.Millisecond)
	await(t, time.Second, "the next millisecond", func() bool { return time.Now().After(at) })
	return at.UTC().Format(time.RFC3339Nano)
}

// A stretch of the topic, replayed into an empty ledger, gives the very records of the live run; replayed over them, it
// gives duplicates only. The group that the live consumer reads with notices nothing of either.
func TestReplayOfATopic(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	send := w.producer(t)
	from := moment(t)
	for i := range 40 {
		send(array(10*i, 10*i+10))
	}
	send([]byte("not JSON"))
	middle := moment(t)
	for i := 40; i < 60; i++ {
		send(array(10*i, 10*i+10))
	}
	to := moment(t)
	live := w.start(t)
	await(t, 90*time.Second, "the live records", func() bool { return w.records(t) == 600 })
	live.terminate(t, 40*time.Second)
	before := w.committed(t)
	lived := w.ledger(t)

	empty := w.beside(t)
	if s := empty.replayed(t, "--from", from, "--to", to, "--dry-run"); s.Recorded != 600 || s.Rejected != 1 || empty.records(t) != 0 {
		t.Errorf("dry run over an empty ledger: %+v, %d records", s, empty.records(t))
	}
	if s := empty.replayed(t, "--from", from, "--to", middle); s.Messages != 41 || s.Recorded != 400 || s.Rejected != 1 || len(s.Notes) > 0 {
		t.Errorf("the first part: %+v", s)
	}
	if s := empty.replayed(t, "--from", middle, "--to", to); s.Messages != 20 || s.Recorded != 200 {
		t.Errorf("the second part: %+v", s)
	}
	if !slices.Equal(empty.ledger(t), lived) {
		t.Error("the replayed records are not those of the live run")
	}
	if s := w.replayed(t, "--from", from, "--to", to, "--dry-run"); s.Messages != 61 || s.Duplicate != 600 || s.Rejected != 1 {
		t.Errorf("dry run over the full ledger: %+v", s)
	}
	if !slices.Equal(w.ledger(t), lived) {
		t.Error("a dry run changed the ledger")
	}
	if s := w.replayed(t, "--from", from, "--to", to); s.Messages != 61 || s.Duplicate != 600 || s.Rejected != 1 || s.Recorded != 0 {
		t.Errorf("over the full ledger: %+v", s)
	}
	if n := w.count(t, "SELECT CAST(SUM(total_tokens) AS SIGNED) FROM mq_consume_log"); w.records(t) != 600 || n != tokens(600) {
		t.Errorf("%d records with %d tokens, want 600 with %d", w.records(t), n, tokens(600))
	}
	if n := w.count(t, "SELECT COUNT(*) FROM dead_letter"); n != 1 {
		t.Errorf("%d dead letters, want 1", n)
	}
	if after := w.committed(t); !slices.Equal(after, before) {
		t.Errorf("the group's offsets were %v, and are %v", before, after)
	}
	w.notReconsumed(t)
}

// running starts a replay that is slow enough to be stopped on its way, and returns when its state file says that it has
// come so far.
func (w *world) running(t *testing.T, state string, messages int, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, append([]string{"replay", "--config", w.config(t), "--state", state, "--rate", "100"}, args...)...)
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, 60*time.Second, "a position on the way", func() bool {
		text, err := os.ReadFile(state)
		var s struct{ Totals struct{ Messages int } }
		return err == nil && json.Unmarshal(text, &s) == nil && s.Totals.Messages >= messages
	})
	return cmd
}

// Killed on its way, a replay of the topic goes on where it was: each message counts once, and the next run does not read
// again what the state says is done.
func TestReplayGoesOnAfterAKill(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	send := w.producer(t)
	from := moment(t)
	const n = 400
	for i := range n {
		send(array(i, i+1))
	}
	middle := moment(t)
	to := moment(t)
	state := filepath.Join(t.TempDir(), "state")
	cmd := w.running(t, state, 50, "--from", from, "--to", to)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	done := w.records(t)
	if done == 0 || done == n {
		t.Fatalf("%d records at the kill, which should come in the middle", done)
	}
	s := w.replayed(t, "--from", from, "--to", to, "--state", state)
	if s.Messages != n || s.Duplicate >= done || w.records(t) != n {
		t.Errorf("%d records before the kill and %d after: %+v", done, w.records(t), s)
	}
	w.exact(t, n)
	if again := w.replayed(t, "--from", from, "--to", to, "--state", state); again.Messages != n || again.Duplicate != s.Duplicate {
		t.Errorf("a finished replay read again: %+v", again)
	}
	if _, code := w.replayState(t, state, "--from", middle, "--to", to); code == 0 {
		t.Error("the state of another stretch was taken")
	}
}

// replayState runs a replay whose output does not matter.
func (w *world) replayState(t *testing.T, state string, args ...string) (string, int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, append([]string{"replay", "--config", w.config(t), "--state", state}, args...)...)
	out, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(out), exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	return string(out), 0
}

// Interrupted, a replay of a file finishes what is in flight and goes on from there. The file may have grown; one whose
// beginning is another is refused.
func TestReplayOfAFileGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	var lines bytes.Buffer
	const n = 400
	for i := range n {
		fmt.Fprintf(&lines, "%s\n", array(i, i+1))
	}
	dir := t.TempDir()
	path, state := filepath.Join(dir, "bodies"), filepath.Join(dir, "state")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(lines.String())
	cmd := w.running(t, state, 50, "--file", path)
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("an interrupted replay exits with success")
	}
	done := w.records(t)
	write(array0Changed(lines.String()))
	if out, code := w.replayState(t, state, "--file", path); code != 1 || !strings.Contains(out, "has changed") {
		t.Errorf("a changed file: exit %d, %s", code, out)
	}
	write(lines.String() + string(array(n, n+1)) + "\n")
	s := w.replayed(t, "--file", path, "--state", state)
	if s.Messages != n+1 || s.Recorded != n+1 || s.Duplicate != 0 || w.records(t) != n+1 {
		t.Errorf("%d records at the interrupt: %+v", done, s)
	}
	if done < 50 || done == n {
		t.Errorf("%d records at the interrupt, which should come in the middle", done)
	}
	w.exact(t, n+1)
}

// array0Changed is the same file with another first line of the same length.
func array0Changed(lines string) string { return strings.Replace(lines, "POST", "PUTS", 1) }
