// Package main_test runs billing-consumer as a process, as its users do, on a real broker and a real database.
package main_test

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gateway-billing.internal/shared/testkit/stack"
)

// settled waits until the group has acknowledged every message of the topic, so that what the ledger holds is final.
func (w *world) settled(t *testing.T) {
	t.Helper()
	await(t, 60*time.Second, "all messages acknowledged", func() bool {
		written, err := w.broker.MaxOffsets(t.Context(), w.topic)
		if err != nil {
			t.Fatal(err)
		}
		committed, err := w.broker.CommittedOffsets(t.Context(), w.group, w.topic)
		if err != nil {
			t.Fatal(err)
		}
		for i := range written {
			if written[i] > 0 && committed[i] != written[i] {
				return false
			}
		}
		return true
	})
}

// exact checks that requests 0..n-1 are recorded once each, tokens and deltas included, and nothing else.
func (w *world) exact(t *testing.T, n int) {
	t.Helper()
	if got := w.records(t); got != n {
		t.Errorf("%d records of %d requests", got, n)
	}
	if got := w.count(t, "SELECT COALESCE(SUM(total_tokens), 0) FROM mq_consume_log"); got != tokens(n) {
		t.Errorf("%d tokens recorded, %d sent", got, tokens(n))
	}
	if got := w.count(t, "SELECT CAST(COALESCE(SUM(total_tokens), 0) AS SIGNED) FROM "+sums); got != tokens(n) {
		t.Errorf("%d tokens in the sums, %d sent", got, tokens(n))
	}
	if got := w.count(t, "SELECT COALESCE(SUM(records), 0) FROM "+sums); got != n {
		t.Errorf("%d records in the sums of %d", got, n)
	}
	if got := w.count(t, "SELECT COUNT(*) FROM dead_letter"); got != 0 {
		t.Errorf("%d dead letters", got)
	}
}

// notReconsumed checks that no message was ever sent back to the broker.
func (w *world) notReconsumed(t *testing.T) {
	t.Helper()
	offsets, err := w.broker.MaxOffsets(t.Context(), stack.RetryTopic(w.group))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range offsets {
		if n != 0 {
			t.Errorf("%d messages were sent back to the broker", n)
		}
	}
}

func TestMessageOfAThousandEntries(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	send := w.producer(t)
	c := w.start(t)
	send(array(0, 1000))
	await(t, 30*time.Second, "1,000 records", func() bool { return w.records(t) == 1000 })
	for range 4 {
		send(array(0, 1000))
	}
	await(t, 30*time.Second, "four copies of each", func() bool {
		return w.count(t, "SELECT SUM(duplicates) FROM mq_consume_log") == 4000
	})
	c.terminate(t, 40*time.Second)
	w.exact(t, 1000)
}

func TestGarbageIsADeadLetterAndTheRestIsRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	send := w.producer(t)
	w.start(t)
	send([]byte("GET / HTTP/1.1"))
	send([]byte("GET / HTTP/1.1"))
	send([]byte(`[` + entry(0) + `,7,{"route_id":"x"},` + entry(1) + `]`))
	send([]byte(`[]`))
	await(t, 30*time.Second, "two records and four dead letters", func() bool {
		return w.records(t) == 2 && w.count(t, "SELECT COUNT(*) FROM dead_letter") == 4
	})
	var raw string
	row := w.db.QueryRowContext(t.Context(), "SELECT raw FROM dead_letter WHERE reason = 'not_json'")
	if err := row.Scan(&raw); err != nil || raw != "GET / HTTP/1.1" {
		t.Errorf("raw bytes %q, %v", raw, err)
	}
	await(t, 10*time.Second, "the second copy counted at the first one's row", func() bool {
		return w.count(t, "SELECT deliveries FROM dead_letter WHERE reason = 'not_json'") == 2
	})
}

// Terminated under load, nothing is lost and nothing is worked on twice. The second consumer goes on where the first
// one stopped.
func TestTerminateUnderLoad(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	const n = 3000
	sent := w.sendInBackground(t, n)
	for restarts := range 3 {
		c := w.start(t)
		await(t, 60*time.Second, "progress", func() bool { return w.records(t) >= (restarts+1)*n/5 })
		c.terminate(t, 40*time.Second)
	}
	last := w.start(t)
	await(t, 60*time.Second, "all recorded", func() bool { return sent.Load() == n && w.records(t) == n })
	w.settled(t)
	last.terminate(t, 40*time.Second)
	w.exact(t, n)
	if twice := w.count(t, "SELECT SUM(duplicates) FROM mq_consume_log"); twice != 0 {
		t.Errorf("%d requests were worked on twice", twice)
	}
	w.notReconsumed(t)
}

func TestKillUnderLoad(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	const n = 3000
	sent := w.sendInBackground(t, n)
	for restarts := range 3 {
		c := w.start(t)
		await(t, 60*time.Second, "progress", func() bool { return w.records(t) >= (restarts+1)*n/5 })
		c.kill(t)
	}
	w.start(t)
	await(t, 90*time.Second, "all recorded", func() bool { return sent.Load() == n && w.records(t) == n })
	w.settled(t)
	w.exact(t, n)
}

// A database that is away for a minute under load costs nothing: no message is given back, although the client would
// send back what takes longer than 20 s; memory stays bounded; it goes on by itself.
func TestDatabaseAwayForAMinute(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("needs the stack: make test")
	}
	database := stack.StartDatabase(t)
	w := newWorld(t, database.NewDatabase(t))
	w.extra = "  consume_timeout: 20s\n"
	c := w.start(t)
	const n = 20_000
	sent := w.sendInBackground(t, n)
	await(t, 60*time.Second, "progress", func() bool { return w.records(t) >= n/10 })
	if err := database.Kill(); err != nil {
		t.Fatal(err)
	}
	await(t, 30*time.Second, "unready", func() bool { return !c.ready(t) })
	peak := 0
	for away := time.Now(); time.Since(away) < 60*time.Second; time.Sleep(time.Second) {
		peak = max(peak, c.residentMiB(t))
	}
	if err := database.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, 90*time.Second, "all recorded", func() bool { return sent.Load() == n && w.records(t) == n })
	await(t, 30*time.Second, "ready", func() bool { return c.ready(t) })
	w.settled(t)
	w.exact(t, n)
	w.notReconsumed(t)
	t.Logf("peak of resident memory while the database was away: %d MiB", peak)
	if peak > 400 {
		t.Errorf("%d MiB resident while the database was away", peak)
	}
	c.terminate(t, 40*time.Second)
}

// sendInBackground sends the requests 0..n-1 in messages of 1 to 7 entries, and waits for its end in Cleanup.
func (w *world) sendInBackground(t *testing.T, n int) *atomic.Int64 {
	t.Helper()
	send := w.producer(t)
	var sent atomic.Int64
	done := make(chan struct{})
	t.Cleanup(func() { <-done })
	go func() {
		defer close(done)
		for from, size := 0, 1; from < n && t.Context().Err() == nil; size = size%7 + 1 {
			to := min(from+size, n)
			send(array(from, to))
			from = to
			sent.Store(int64(to))
		}
	}()
	return &sent
}

// residentMiB is the process's memory as the kernel counts it, 0 where that can't be read.
func (c *consumer) residentMiB(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile("/proc/" + strconv.Itoa(c.cmd.Process.Pid) + "/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	fields := strings.Fields(rest)
	kib, err := strconv.Atoi(fields[0])
	if err != nil {
		t.Fatal(err)
	}
	return kib >> 10
}
