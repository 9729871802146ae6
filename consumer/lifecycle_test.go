package main_test

import (
	"errors"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"gateway-billing.internal/shared/testkit/stack"
)

// What a consumer depends on may start after it: it waits, is unready, and goes on by itself. A second
// signal ends it at once, also where the drain can't come to its end, and nothing is lost by that.
func TestDependenciesStartLater(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("needs the stack: make test")
	}
	database, broker := stack.StartDatabase(t), stack.StartRocketMQ(t, stack.RocketMQOptions{})
	w := newWorldOn(t, database.NewDatabase(t), broker)
	const n = 500
	send := w.producer(t)
	send(array(0, n))
	for _, server := range []*stack.Server{broker.NameServer, broker.Broker, database.Server} {
		if err := server.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	c := w.start(t)
	for _, server := range []*stack.Server{broker.NameServer, broker.Broker, database.Server} {
		if c.ready(t) {
			t.Errorf("ready without all that it depends on")
		}
		if err := server.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	await(t, 60*time.Second, "ready", func() bool { return c.ready(t) })
	await(t, 60*time.Second, "all records", func() bool { return w.records(t) == n })
	w.settled(t)

	if err := database.Pause(); err != nil {
		t.Fatal(err)
	}
	send(array(n, 2*n))
	await(t, 60*time.Second, "the outage told", func() bool { return strings.Contains(c.get(t, "/readyz"), "database: no answer within 3 s") })
	for range 2 {
		if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		await(t, 10*time.Second, "the signal heard", func() bool {
			select {
			case <-c.done:
				return true
			default:
				return strings.Contains(c.log.String(), "draining")
			}
		})
	}
	select {
	case <-c.done:
	case <-time.After(10 * time.Second):
		t.Fatal("still there 10 s after a second SIGTERM")
	}
	if exit, ok := errors.AsType[*exec.ExitError](c.err); !ok || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
		t.Errorf("ended by %v, want the second SIGTERM", c.err)
	}
	if err := database.Resume(); err != nil {
		t.Fatal(err)
	}
	c = w.start(t)
	await(t, 60*time.Second, "all records", func() bool { return w.records(t) == 2*n })
	w.settled(t)
	c.terminate(t, 40*time.Second)
	w.exact(t, 2*n)
}

// run prunes by itself what retention gives an age.
func TestRetentionInRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	w.producer(t)(array(0, 50))
	c := w.start(t)
	await(t, 60*time.Second, "records", func() bool { return w.records(t) == 50 })
	c.terminate(t, 40*time.Second)
	if _, err := w.db.ExecContext(t.Context(), "UPDATE mq_consume_log SET create_time = NOW() - INTERVAL 8 DAY ORDER BY id LIMIT 30"); err != nil {
		t.Fatal(err)
	}
	w.root = "retention:\n  bodies: 7d\n"
	c = w.start(t)
	bodies := func() int { return w.count(t, "SELECT COUNT(*) FROM mq_consume_log WHERE body <> ''") }
	await(t, 60*time.Second, "old bodies gone", func() bool { return bodies() <= 20 })
	c.terminate(t, 40*time.Second)
	if got := bodies(); got != 20 {
		t.Errorf("%d bodies are left, want the 20 young ones", got)
	}
	w.exact(t, 50)
}
