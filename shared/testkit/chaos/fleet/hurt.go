package fleet

import (
	"errors"
	"fmt"
	"os"
)

// pointEnv is what the consumer's builds under the tag chaos read.
const pointEnv = "CHAOS_POINT"

// pick is one of the members; f.mu is held.
func (f *Fleet) pick(draw uint64) *member {
	if len(f.members) == 0 {
		return nil
	}
	return f.members[draw%uint64(len(f.members))]
}

// Kill ends one member with SIGKILL. Another takes its place.
func (f *Fleet) Kill(draw uint64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.pick(draw)
	if m == nil {
		return nil
	}
	m.leaving = true
	return m.Consumer.Kill()
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
	f.mu.Lock()
	m := f.pick(draw)
	if m == nil {
		f.mu.Unlock()
		return nil
	}
	m.leaving = true
	f.mu.Unlock()
	return m.end()
}

// Arm kills one member and starts another in its place that kills itself at the n-th pass of a point of the flow. drain
// tells it to stop, so that it comes to the points of the drain.
func (f *Fleet) Arm(draw uint64, point string, n uint64) (drain func() error, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if m := f.pick(draw); m != nil {
		m.leaving = true
		if err := m.Consumer.Kill(); err != nil {
			return nil, err
		}
		for i, other := range f.members {
			if other == m {
				f.members = append(f.members[:i:i], f.members[i+1:]...)
			}
		}
	}
	m, err := f.start(fmt.Sprintf("%s=%s:%d", pointEnv, point, n))
	if err != nil {
		return nil, err
	}
	return func() error {
		f.mu.Lock()
		m.leaving = true
		f.mu.Unlock()
		return m.end()
	}, nil
}
