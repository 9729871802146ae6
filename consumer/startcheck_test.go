package main_test

import (
	"strings"
	"testing"
	"time"
)

// run says at its start what check finds, and goes on: here that another member of its group has another tag.
func TestRunSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	first := w.start(t)
	await(t, 60*time.Second, "readiness", func() bool { return first.ready(t) })
	w.extra = "  tag: a\n"
	second := w.start(t)
	await(t, 60*time.Second, "the members' line", func() bool {
		return strings.Contains(second.log.String(), `"check":"members","cure":"stop those`)
	})
	second.terminate(t, 40*time.Second)
	first.terminate(t, 40*time.Second)
}

// A second unique key on the ledger would swallow records that are new: run does not begin.
func TestRunRefusesTablesThatLoseRecords(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	if _, err := w.db.ExecContext(t.Context(), "CREATE UNIQUE INDEX mine ON mq_consume_log (msg_id, entry_index)"); err != nil {
		t.Fatal(err)
	}
	c := w.start(t)
	select {
	case <-c.done:
	case <-time.After(60 * time.Second):
		t.Fatal("it runs")
	}
	if c.cmd.ProcessState.ExitCode() != 1 || !strings.Contains(c.log.String(), "mine is unique") {
		t.Errorf("%v", c.err)
	}
}
