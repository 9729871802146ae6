package source

import (
	"testing"
	"time"
)

// Queues that move to another member and back while everything is held are let go here, so a group that is balanced again
// and again during an outage does not collect copies; and nothing is lost, and no redelivery spent.
func TestMembersComeAndGoWhileHolding(t *testing.T) {
	t.Parallel()
	topic, group := newTopic(t, 4)
	const total = 400
	send(t, topic, 0, total)
	m := newMemory()
	back := m.away()
	o := Options{NameServers: nameServers(t), Topic: topic, Group: group, Concurrency: 8, PullBatch: 8}
	first := run(t, o, m.handle)
	eventually(t, 60*time.Second, "the first member holds everything", func() bool { return first.State().Held == total })

	second := run(t, o, m.handle)
	eventually(t, 60*time.Second, "both hold their half", func() bool {
		// What the handler works on stays until it is done.
		return first.State().Held <= total/2+8 && second.State().Held == total/2
	})
	second.stop()
	eventually(t, 60*time.Second, "the first member holds everything again", func() bool {
		held := first.State().Held
		return held >= total && held <= total+8
	})
	if got := first.events.get(func(e *events) int { return e.released })(); got == 0 {
		t.Error("nothing was released")
	}
	back()
	eventually(t, 30*time.Second, "all is recorded", func() bool { return m.count() == total && first.State().Held == 0 })
	for b, copies := range m.messages {
		if copies[0].Reconsumed > 0 {
			t.Errorf("%s spent a redelivery", b)
		}
	}
}
