package source

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"gateway-billing.internal/shared/testkit/stack"
)

// With reconsume, what the handler fails on comes again from the broker, and after the most times lies in the DLQ; the
// others are not held up.
func TestReconsume(t *testing.T) {
	t.Parallel()
	mq := stack.Shared(t).RocketMQ
	topic, group := newTopic(t, 2)
	t.Cleanup(func() { _ = mq.DeleteTopic(context.WithoutCancel(t.Context()), DLQ(group)) })
	const total = 10
	send(t, topic, 0, total)
	m := newMemory()
	r := run(t, Options{NameServers: nameServers(t), Topic: topic, Group: group, Reconsume: true, MaxReconsume: 2},
		func(ctx context.Context, msg Message) error {
			switch b := string(msg.Body); {
			case b == body(3) && msg.Reconsumed == 0:
				panic("once")
			case b == body(8):
				return errors.New("always")
			}
			return m.handle(ctx, msg)
		})
	eventually(t, 60*time.Second, "all but one are recorded", func() bool { return m.count() == total-1 })
	eventually(t, 90*time.Second, "one lies in the DLQ", func() bool {
		sent, err := mq.MaxOffsets(t.Context(), DLQ(group))
		return err == nil && len(sent) == 1 && sent[0] == 1
	})
	if state := r.State(); state.Stuck != 0 || !state.Ready() {
		t.Errorf("%+v", state)
	}
	r.stop()
	if n := r.events.get(func(e *events) int { return e.reconsumed })(); n != 4 {
		t.Errorf("%d given back, want 1 + 3", n)
	}
	if got := m.messages[body(3)]; len(got) != 1 || got[0].Reconsumed != 1 {
		t.Errorf("%+v", got)
	}
}

// Where the broker refuses to take a message back, it is held, and read again by the next start: nothing is lost.
func TestReconsumeWithARetryTopicThatBecameReadOnly(t *testing.T) {
	t.Parallel()
	mq := stack.Shared(t).RocketMQ
	topic, group := newTopic(t, 1)
	permit := func(p stack.Permission) {
		if err := mq.CreateTopic(t.Context(), stack.RetryTopic(group), 1, p); err != nil {
			t.Fatal(err)
		}
	}
	m := newMemory()
	o := Options{NameServers: nameServers(t), Topic: topic, Group: group, Reconsume: true}
	r := run(t, o, func(context.Context, Message) error { return errors.New("always") })
	eventually(t, 30*time.Second, "the source reads", func() bool { return r.State().Ready() })
	permit(stack.ReadOnly)
	send(t, topic, 0, 5)
	eventually(t, 60*time.Second, "all are held", func() bool { return r.State().Stuck == 5 })
	r.stop()

	refused := run(t, o, m.handle)
	eventually(t, 30*time.Second, "the start says why it does not", func() bool {
		return strings.Contains(strings.Join(refused.State().Reasons, ";"), "does not let clients write to "+stack.RetryTopic(group))
	})
	if m.count() != 0 {
		t.Error("it reads although it could not give back")
	}
	permit(stack.ReadWrite)
	eventually(t, 60*time.Second, "all are recorded", func() bool { return m.count() == 5 })
}

// A broker says yes to a message that is given back and drops it where the group has no retry queues: such a group is not
// read.
func TestReconsumeOfAGroupWithoutRetryQueues(t *testing.T) {
	t.Parallel()
	mq := stack.Shared(t).RocketMQ
	topic, group := newTopic(t, 1)
	if err := mq.ConfigureGroup(t.Context(), group, 0); err != nil {
		t.Fatal(err)
	}
	send(t, topic, 0, 3)
	m := newMemory()
	r := run(t, Options{NameServers: nameServers(t), Topic: topic, Group: group, Reconsume: true}, m.handle)
	eventually(t, 30*time.Second, "the start says why it does not", func() bool {
		return strings.Contains(strings.Join(r.State().Reasons, ";"), "has no retry queues")
	})
	if m.count() != 0 {
		t.Error("it reads although what it gives back would be lost")
	}
	if err := mq.ConfigureGroup(t.Context(), group, 1); err != nil {
		t.Fatal(err)
	}
	eventually(t, 60*time.Second, "all are recorded", func() bool { return m.count() == 3 })
}

// An outage spends no redelivery: the handler waits, and what it waited for comes from the topic, once.
func TestReconsumeAndAnOutage(t *testing.T) {
	t.Parallel()
	topic, group := newTopic(t, 1)
	send(t, topic, 0, 5)
	m := newMemory()
	back := m.away()
	o := Options{NameServers: nameServers(t), Topic: topic, Group: group, Reconsume: true}
	r := run(t, o, m.handle)
	eventually(t, 30*time.Second, "all are with the handler", func() bool { return r.State().Working == 5 })
	r.stop() // in the outage
	again := run(t, o, m.handle)
	eventually(t, 30*time.Second, "all are with the handler again", func() bool { return again.State().Working == 5 })
	back()
	eventually(t, 30*time.Second, "all are recorded", func() bool { return m.count() == 5 })
	for b, got := range m.messages {
		if got[0].Reconsumed != 0 || got[0].Topic != topic {
			t.Errorf("%s: %+v", b, got[0])
		}
	}
	for _, one := range []*running{r, again} {
		if n := one.events.get(func(e *events) int { return e.reconsumed })(); n != 0 {
			t.Errorf("%d given back", n)
		}
	}
}
