// Package fleet owns the consumers of a chaos run: as many processes of one group, or of the HTTP API, as are wanted, each
// started again when a fault ended it, and a failure of the run when one ends by itself.
package fleet

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"

	"gateway-billing.internal/shared/testkit/programs"
)

// Config is how the consumers are started.
type Config struct {
	Binary, ConfigFile string
	// API: they serve the HTTP API alone, and consume nothing.
	API bool
	// Logs is the directory of the log files, one a process.
	Logs string
	// Env are further variables of each (name=value).
	Env []string
}

// Fleet is the consumers. It is safe for concurrent use.
type Fleet struct {
	config Config

	mu      sync.Mutex
	want    int
	started int
	members []*member        // those that nobody told to end
	living  map[*member]bool // and those that were, as long as they run
	ended   bool
	failed  chan error // holds the first failure
	watches sync.WaitGroup
}

// member is one process.
type member struct {
	*programs.Consumer
	log   string
	armed bool // it kills itself at a point of the flow
	end   func() error
}

// New makes a fleet without members.
func New(config Config) *Fleet {
	return &Fleet{config: config, living: map[*member]bool{}, failed: make(chan error, 1)}
}

// Failed gets an error when a consumer ended that nobody ended, or can't be started.
func (f *Fleet) Failed() <-chan error { return f.failed }

func (f *Fleet) fail(err error) {
	select {
	case f.failed <- err:
	default:
	}
}

// Scale starts or drains members until n run.
func (f *Fleet) Scale(n int) error {
	f.mu.Lock()
	f.want = n
	err := f.fill()
	var leaving []*member
	for len(f.members) > n {
		leaving = append(leaving, f.members[0])
		f.members = f.members[1:]
	}
	f.mu.Unlock()
	for _, m := range leaving {
		err = errors.Join(err, m.end())
	}
	return err
}

// fill starts what is wanted; f.mu is held.
func (f *Fleet) fill() error {
	for len(f.members) < f.want && !f.ended {
		if _, err := f.start(); err != nil {
			return err
		}
	}
	return nil
}

// start starts one member; f.mu is held.
func (f *Fleet) start(env ...string) (*member, error) {
	f.started++
	name, start := "consumer", programs.StartConsumer
	if f.config.API {
		name, start = "api", programs.StartAPI
	}
	m := &member{log: filepath.Join(f.config.Logs, fmt.Sprintf("%s-%d.log", name, f.started)), armed: len(env) > 0}
	var err error
	if m.Consumer, err = start(f.config.Binary, f.config.ConfigFile, m.log, append(env, f.config.Env...)...); err != nil {
		return nil, err
	}
	m.end = sync.OnceValue(m.drain) // a second SIGTERM would end it at once
	f.members = append(f.members, m)
	f.living[m] = true
	f.watches.Go(func() { f.watch(m) })
	return m, nil
}

// drain ends the member in order. That a point in its drain kills it is no error, nor that it had not begun to run.
func (m *member) drain() error {
	err := m.Drain()
	if err == nil || m.armed && m.EndedBy(syscall.SIGKILL) || m.EndedBy(syscall.SIGTERM) && m.silent() {
		return nil
	}
	return fmt.Errorf("%s: %w", filepath.Base(m.log), err)
}

// silent says that the process has not written a line: it was still being loaded.
func (m *member) silent() bool {
	log, err := os.Stat(m.log)
	return err == nil && log.Size() == 0
}

// watch waits for the end of a member and starts another in its place.
func (f *Fleet) watch(m *member) {
	<-m.Done()
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.living, m)
	if f.remove(m) && !(m.armed && m.EndedBy(syscall.SIGKILL)) {
		f.fail(fmt.Errorf("%s: %w", filepath.Base(m.log), m.Check()))
		f.ended = true // the next would end as well
	}
	if err := f.fill(); err != nil {
		f.fail(err)
	}
}

// remove takes a member out of those that are to run, and says whether it was one; f.mu is held.
func (f *Fleet) remove(m *member) bool {
	before := len(f.members)
	f.members = slices.DeleteFunc(f.members, func(other *member) bool { return other == m })
	return len(f.members) < before
}

// Stop drains all members. Each must end well.
func (f *Fleet) Stop() error {
	f.mu.Lock()
	f.ended = true
	f.mu.Unlock()
	err := f.Scale(0)
	f.watches.Wait()
	return err
}

// End kills what is left, for a run that failed.
func (f *Fleet) End() error {
	f.mu.Lock()
	f.ended, f.want = true, 0
	var errs []error
	f.members = nil
	living := slices.Collect(maps.Keys(f.living))
	f.mu.Unlock()
	for _, m := range living {
		errs = append(errs, m.Kill())
	}
	f.watches.Wait()
	return errors.Join(errs...)
}
