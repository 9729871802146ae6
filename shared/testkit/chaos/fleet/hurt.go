package fleet

import (
	"errors"
	"fmt"
	"os"
)

// pointEnv is what the consumer's builds under the tag chaos read.
const pointEnv = "CHAOS_POINT"

// pick is one of the members, nil when there is none; f.mu is held.
func (f *Fleet) pick(draw uint64) *member {
	if len(f.members) == 0 {
		return nil
	}
	return f.members[draw%uint64(len(f.members))]
}

// take is one of the members, which is to end now: another takes its place when it has.
func (f *Fleet) take(draw uint64) *member {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.pick(draw)
	f.remove(m)
	return m
}

// Kill ends one member with SIGKILL.
func (f *Fleet) Kill(draw uint64) error {
	if m := f.take(draw); m != nil {
		return m.Consumer.Kill()
	}
	return nil
}

// Pause halts one member and returns what lets it go on.
func (f *Fleet) Pause(draw uint64) (resume func() error, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.pick(draw)
	if m == nil {
		return func() error { return nil }, nil
	}
	return m.resume, unlessGone(m.Consumer.Pause())
}

func (m *member) resume() error { return unlessGone(m.Resume()) }

// unlessGone leaves out that the process has ended meanwhile, by a point of the flow.
func unlessGone(err error) error {
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// Restart drains one member, as a deployment does.
func (f *Fleet) Restart(draw uint64) error {
	if m := f.take(draw); m != nil {
		return m.end()
	}
	return nil
}

// Arm kills one member and starts another in its place that kills itself at the n-th pass of a point of the flow. drain
// tells it to stop, so that it comes to the points of the drain.
func (f *Fleet) Arm(draw uint64, point string, n uint64) (drain func() error, err error) {
	f.mu.Lock()
	victim := f.pick(draw)
	f.remove(victim)
	m, err := f.start(fmt.Sprintf("%s=%s:%d", pointEnv, point, n))
	f.mu.Unlock()
	if victim != nil {
		err = errors.Join(err, victim.Consumer.Kill())
	}
	return func() error {
		f.mu.Lock()
		f.remove(m)
		f.mu.Unlock()
		return m.end()
	}, err
}
