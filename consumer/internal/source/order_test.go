package source

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/apache/rocketmq-client-go/v2/primitive"
)

// The handler gets the messages of a queue in their order, though the client starts their callbacks in any order: what
// it has not got at a drain is behind everything that it has.
func TestQueueKeepsItsOrder(t *testing.T) {
	t.Parallel()
	topic, group := newTopic(t, 2)
	const total = 1000
	send(t, topic, 0, total)
	var mu sync.Mutex
	last := map[int]int64{0: -1, 1: -1}
	m := newMemory()
	run(t, Options{NameServers: nameServers(t), Topic: topic, Group: group, Concurrency: 1},
		func(ctx context.Context, msg Message) error {
			mu.Lock()
			defer mu.Unlock()
			if msg.Offset <= last[msg.Queue] {
				t.Errorf("queue %d: offset %d after %d", msg.Queue, msg.Offset, last[msg.Queue])
			}
			last[msg.Queue] = msg.Offset
			return m.handle(ctx, msg)
		})
	eventually(t, 30*time.Second, "all is recorded", func() bool { return m.count() == total })
	m.check(t, total)
}

// A tag expression chooses, and what it leaves out does not stay as lag.
func TestTagExpression(t *testing.T) {
	t.Parallel()
	topic, group := newTopic(t, 1)
	p := newProducer(t, nameServers(t), "", "")
	for i, tag := range []string{"a", "b", "c", "a"} {
		if _, err := p.SendSync(t.Context(), primitive.NewMessage(topic, []byte(body(i))).WithTag(tag)); err != nil {
			t.Fatal(err)
		}
	}
	m := newMemory()
	r := run(t, Options{NameServers: nameServers(t), Topic: topic, Group: group, Tag: "a || c"}, m.handle)
	eventually(t, 30*time.Second, "the chosen ones", func() bool { return m.count() == 3 })
	eventually(t, 60*time.Second, "no lag", func() bool {
		s := r.State()
		return len(s.Queues) == 1 && s.Queues[0].Lag == 0
	})
	if got := m.messages[body(2)]; len(got) != 1 || got[0].Tags != "c" || len(m.messages[body(1)]) != 0 {
		t.Errorf("got %+v", m.messages)
	}
}
