package main_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

// replaySummary is what `replay --output json` says.
type replaySummary struct {
	Messages, Entries, Recorded, Duplicate, Conflict, Rejected int
	Reasons                                                    map[string]int
}

// replay runs the command to its end.
func (w *world) replay(t *testing.T, args ...string) replaySummary {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, append([]string{"replay", "--config", w.config(t), "--output", "json"}, args...)...)
	var problem bytes.Buffer
	cmd.Stderr = &problem
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("replay %v: %v\n%s", args, err, problem.String())
	}
	var sum replaySummary
	if err := json.Unmarshal(out, &sum); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if sum.Entries != sum.Recorded+sum.Duplicate+sum.Conflict+sum.Rejected {
		t.Errorf("%d entries do not add up: %+v", sum.Entries, sum)
	}
	return sum
}

func (w *world) offsets(t *testing.T) []int64 {
	t.Helper()
	offsets, err := w.stack.RocketMQ.CommittedOffsets(t.Context(), w.group, w.topic)
	if err != nil {
		t.Fatal(err)
	}
	return offsets
}

// The topic is read again by time: what run recorded is duplicate, into an empty ledger it is recorded as run would. The
// group's offsets stay, and what was stored outside the range is not read.
func TestReplayOfTheTopic(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	send := w.producer(t)
	now := func() string { return time.Now().UTC().Format(time.RFC3339Nano) }
	send(array(0, 5))
	c := w.start(t)
	await(t, 30*time.Second, "the first records", func() bool { return w.records(t) == 5 })
	time.Sleep(2 * time.Millisecond) // the broker's times are whole ms
	from := now()
	const n = 700
	for i := 5; i < n; i += 5 {
		send(array(i, i+5))
	}
	send([]byte("garbage"))
	time.Sleep(2 * time.Millisecond)
	to := now()
	send(array(n, n+5))
	await(t, 30*time.Second, "all records", func() bool { return w.records(t) == n+5 })
	w.settled(t)
	c.terminate(t, 40*time.Second)
	before := w.offsets(t)

	again := w.replay(t, "--from", from, "--to", to)
	if again.Messages != (n-5)/5+1 || again.Duplicate != n-5 || again.Rejected != 1 || again.Reasons["not_json"] != 1 {
		t.Errorf("over a full ledger: %+v", again)
	}
	empty := newWorld(t, "")
	empty.topic, empty.group = w.topic, w.group
	if dry := empty.replay(t, "--from", from, "--to", to, "--dry-run"); dry.Recorded != n-5 || dry.Rejected != 1 || empty.records(t) != 0 {
		t.Errorf("dry run: %+v, and %d records", dry, empty.records(t))
	}
	state := filepath.Join(t.TempDir(), "state")
	if fresh := empty.replay(t, "--from", from, "--to", to, "--state", state); fresh.Recorded != n-5 || empty.records(t) != n-5 {
		t.Errorf("into an empty ledger: %+v, and %d records", fresh, empty.records(t))
	}
	// Live and replayed records are the same.
	const kept = `SELECT COALESCE(SUM(CRC32(CONCAT_WS('|', HEX(billing_key), consumer, route_id, total_tokens, billable, msg_id,
		queue_id, queue_offset, entry_index))), 0) FROM mq_consume_log WHERE entry_index >= 0 AND request_time >= FROM_UNIXTIME(1795347865.720)
		AND request_time < FROM_UNIXTIME(1795347866.415)`
	if a, b := w.count(t, kept), empty.count(t, kept); a != b || a == 0 {
		t.Errorf("the records differ: %d live, %d replayed", a, b)
	}
	if rest := empty.replay(t, "--from", from, "--to", to, "--state", state); rest.Messages != 0 {
		t.Errorf("behind its own end: %+v", rest)
	}
	if after := w.offsets(t); !slices.Equal(before, after) {
		t.Errorf("offsets of the group %v, were %v", after, before)
	}
}

// A file of message bodies, whatever it is compressed by, and stopped in its middle.
func TestReplayOfAFile(t *testing.T) {
	t.Parallel()
	const n = 2000
	var lines bytes.Buffer
	for i := range n {
		lines.WriteString(entry(i))
		lines.WriteString("\n\n")
	}
	lines.WriteString("garbage\r\n")
	lines.WriteString(strings.Repeat("[", 17<<20)) // longer than a line may be, and without an end
	var zipped bytes.Buffer
	gz := gzip.NewWriter(&zipped)
	gz.Write(lines.Bytes())
	gz.Close()
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	zstandard := encoder.EncodeAll(lines.Bytes(), nil)
	encoder.Close()
	dir := t.TempDir()
	w := newWorld(t, "")
	for name, content := range map[string][]byte{"plain": lines.Bytes(), "gz": zipped.Bytes(), "zst": zstandard} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		sum := w.replay(t, "--file", file)
		if sum.Messages != n+2 || sum.Recorded+sum.Duplicate != n || sum.Reasons["not_json"] != 2 {
			t.Errorf("%s: %+v", name, sum)
		}
	}
	if rows := w.count(t, "SELECT COUNT(*) FROM dead_letter WHERE reason = 'not_json'"); w.records(t) != n || rows != 2 {
		t.Errorf("%d records, %d dead letters", w.records(t), rows)
	}

	// Killed, it goes on where it was; nothing is left out.
	stopped := newWorld(t, "")
	state, file := filepath.Join(dir, "state"), filepath.Join(dir, "plain")
	cmd := exec.Command(binary, "replay", "--config", stopped.config(t), "--file", file, "--state", state, "--rate", "1500")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, 30*time.Second, "a position", func() bool { _, err := os.Stat(state); return err == nil })
	cmd.Process.Kill()
	cmd.Wait()
	rest := stopped.replay(t, "--file", file, "--state", state)
	if rest.Messages == 0 || rest.Messages >= n+2 || stopped.records(t) != n {
		t.Errorf("the rest is %+v, in all %d records", rest, stopped.records(t))
	}
	if err := os.WriteFile(file, lines.Bytes()[:1000], 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(binary, "replay", "--config", stopped.config(t), "--file", file, "--state", state).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "the position is of file of") {
		t.Errorf("another file at the same position: %v\n%s", err, out)
	}
}
