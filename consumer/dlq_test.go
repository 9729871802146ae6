package main_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"gateway-billing.internal/shared/testkit/stack"
)

// What the broker keeps in the group's DLQ is taken in beside the topic, as soon as it may be read; until then the log
// says why not, and the topic goes on.
func TestDLQ(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	w.extra = "  dlq: true\n"
	dlq := *w
	dlq.topic = "%DLQ%" + w.group
	create := func(p stack.Permission) {
		if err := w.broker.CreateTopic(t.Context(), dlq.topic, 1, p); err != nil {
			t.Fatal(err)
		}
	}
	create(stack.WriteOnly)
	t.Cleanup(func() { _ = w.broker.DeleteTopic(context.WithoutCancel(t.Context()), dlq.topic) })
	dlq.producer(t)(array(0, 3))
	dlq.producer(t)([]byte("not JSON"))
	c := w.start(t)
	w.producer(t)(array(2, 5))
	await(t, 60*time.Second, "the topic's entries", func() bool { return w.records(t) == 3 })
	await(t, 60*time.Second, "a word on the DLQ's permission", func() bool {
		return strings.Contains(c.log.String(), "may be written only, as older brokers make it: give it permission 6")
	})
	create(stack.ReadWrite)
	await(t, 90*time.Second, "the DLQ's entries", func() bool {
		return w.records(t) == 5 && w.count(t, "SELECT COUNT(*) FROM dead_letter_origin WHERE topic = ?", dlq.topic) == 1
	})
	if n := w.count(t, "SELECT SUM(duplicates) FROM mq_consume_log"); n != 1 {
		t.Errorf("%d duplicates, want 1", n)
	}
	c.terminate(t, 30*time.Second)
}
