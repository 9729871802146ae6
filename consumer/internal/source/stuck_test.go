package source

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// A handler that panics, or gives up without being asked to, does not acknowledge: the message stays, the source says
// so, the others go on, and the next start reads it again.
func TestMessageThatTheHandlerFailsOnStays(t *testing.T) {
	t.Parallel()
	topic, group := newTopic(t, 2)
	const total = 20
	send(t, topic, 0, total)
	m := newMemory()
	const pull = 4
	o := Options{NameServers: nameServers(t), Topic: topic, Group: group, PullBatch: pull}
	r := run(t, o, func(ctx context.Context, msg Message) error {
		switch string(msg.Body) {
		case body(3):
			panic("secret content: " + string(msg.Body))
		case body(8):
			return errors.New("gave up")
		}
		return m.handle(ctx, msg)
	})
	eventually(t, 30*time.Second, "the others are recorded", func() bool { return m.count() == total-2 })
	eventually(t, 10*time.Second, "two are stuck", func() bool { return r.State().Stuck == 2 })
	state := r.State()
	if state.Ready() || !strings.Contains(strings.Join(state.Reasons, ";"), "2 messages are stuck") {
		t.Errorf("reasons: %q", state.Reasons)
	}
	if state.Held < 2 || state.Held > 2*pull { // what was pulled with them is not acknowledged either
		t.Errorf("%d held, want no more than two pulls", state.Held)
	}
	r.stop()

	again := run(t, o, m.handle)
	eventually(t, 30*time.Second, "the two are recorded after a restart", func() bool { return m.count() == total })
	again.stop()
	for _, b := range []string{body(3), body(8)} {
		if got := m.messages[b]; len(got) != 1 || got[0].Reconsumed != 0 {
			t.Errorf("%s: %d deliveries, first reconsumed %d", b, len(got), got[0].Reconsumed)
		}
	}
}
