package source

import (
	"context"
	"testing"
	"time"
)

// A restart under load loses nothing and records nothing twice, however often.
func TestRestartsUnderLoadLoseAndRepeatNothing(t *testing.T) {
	t.Parallel()
	topic, group := newTopic(t, 4)
	const total = 2000
	sent := make(chan struct{})
	go func() { defer close(sent); send(t, topic, 0, total) }()
	t.Cleanup(func() { <-sent })
	m := newMemory()
	slow := func(ctx context.Context, msg Message) error {
		time.Sleep(10 * time.Millisecond) // a commit
		return m.handle(ctx, msg)
	}
	for restart := 1; m.count() < total; restart++ {
		r := run(t, Options{NameServers: nameServers(t), Topic: topic, Group: group, Concurrency: 16}, slow)
		goal := min(restart*400, total)
		eventually(t, 30*time.Second, "messages recorded", func() bool { return m.count() >= goal })
		r.stop()
	}
	m.check(t, total)
}

// Messages that the handler can't record are held past the client's own timeout, not sent back, and go on by themselves.
func TestHeldMessagesAreNotReconsumed(t *testing.T) {
	t.Parallel()
	topic, group := newTopic(t, 4)
	m := newMemory()
	back := m.away()
	r := run(t, Options{
		NameServers: nameServers(t), Topic: topic, Group: group, Concurrency: 16,
		QueueMessages: 50, PullBatch: 10, ConsumeTimeout: 2 * time.Second,
	}, m.handle)
	const total = 1000
	send(t, topic, 0, total)
	eventually(t, 30*time.Second, "the buffer is full", func() bool { return r.State().Held >= 4*50 })
	for end := time.Now().Add(8 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if held := r.State().Held; held > 4*(50+10+1) {
			t.Fatalf("%d messages held, more than the thresholds allow", held)
		}
	}
	back()
	eventually(t, 30*time.Second, "all are recorded", func() bool { return m.count() == total })
	m.check(t, total)
	eventually(t, 10*time.Second, "no lag", func() bool {
		s := r.State()
		return len(s.Queues) == 4 && s.Queues[0].Lag+s.Queues[1].Lag+s.Queues[2].Lag+s.Queues[3].Lag == 0
	})
}

// A handler that does not finish is told to stop at the drain limit, and what it had is read again.
func TestDrainLimit(t *testing.T) {
	t.Parallel()
	topic, group := newTopic(t, 2)
	const total = 50
	send(t, topic, 0, total)
	m := newMemory()
	back := m.away()
	o := Options{NameServers: nameServers(t), Topic: topic, Group: group, Concurrency: 8, DrainLimit: 2 * time.Second}
	r := run(t, o, m.handle)
	eventually(t, 30*time.Second, "all is held", func() bool { return r.State().Held == total })
	started := time.Now()
	r.stop()
	if took := time.Since(started); took > 3*time.Second {
		t.Errorf("the drain took %v with a limit of 2 s", took)
	}
	back()
	run(t, o, m.handle)
	eventually(t, 30*time.Second, "all is recorded", func() bool { return m.count() == total })
	m.check(t, total)
}
