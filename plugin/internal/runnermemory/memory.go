// Package runnermemory owns what a runner remembers beyond its end, however it ends: its epoch and the last number that it
// gave, in a file that is mapped into its memory. The run behind it tells both in its stamps, so that what was lost at
// the end of a run can be seen: a gap between numbers that arrived shows by itself, one behind the last of them does not.
//
// A crash of the machine may lose the last numbers; what is then told is too low, and never too high.
package runnermemory

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"unsafe"

	"github.com/edsrzf/mmap-go"
	"github.com/gofrs/flock"

	"gateway-billing.internal/shared/billingkey"
)

// maxSlots is how many processes of one runner's name may share a directory.
const maxSlots = 64

// Memory is the file of this process. Nobody else writes it until the process ends.
type Memory struct {
	lock     *flock.Flock
	file     *os.File
	mapped   mmap.MMap
	previous state
	spoiled  bool
}

// Open takes a file in dir (made where it is missing, but not what is above it) that no running process of the same runner has, and puts this run's
// epoch into it. What the file said before is the previous run; a file that can't be believed says nothing.
func Open(dir, runner string, epoch billingkey.Epoch) (*Memory, error) {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	sum := sha256.Sum256([]byte(runner))
	for slot := range maxSlots {
		path := filepath.Join(dir, fmt.Sprintf("%s-%d", hex.EncodeToString(sum[:8]), slot))
		lock := flock.New(path+".lock", flock.SetPermissions(0o600))
		free, err := lock.TryLock()
		if err != nil {
			return nil, fmt.Errorf("state directory: %w", err)
		}
		if !free {
			continue
		}
		m := &Memory{lock: lock}
		if err := m.take(path, runner, epoch); err != nil {
			return nil, errors.Join(fmt.Errorf("state file: %w", err), m.Close())
		}
		return m, nil
	}
	return nil, fmt.Errorf("state directory: %d runners of this name run already", maxSlots)
}

// take reads the file of the locked slot and puts this run's in its place at once: a process that ends in between leaves
// one or the other.
func (m *Memory) take(path, runner string, epoch billingkey.Epoch) error {
	old, err := os.ReadFile(path + ".state")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var whole bool
	m.previous, whole = read(old, runner)
	m.spoiled = !whole && len(old) > 0
	if m.previous.last == 0 { // that run gave no number: to the others it never was
		m.previous = state{epoch: m.previous.previousEpoch, last: m.previous.previousLast}
	}
	now := state{epoch: epoch, previousEpoch: m.previous.epoch, previousLast: m.previous.last}
	if err := os.WriteFile(path+".new", now.write(runner), 0o600); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path+".state"); err != nil {
		return err
	}
	if m.file, err = os.OpenFile(path+".state", os.O_RDWR, 0o600); err != nil {
		return err
	}
	if m.mapped, err = mmap.Map(m.file, mmap.RDWR, 0); err != nil {
		return err
	}
	if len(m.mapped) != size {
		return errors.New("it has another size than was written")
	}
	return nil
}

// Counter is the last number of this run, in the file itself: each change is there at once, at the cost of the change.
func (m *Memory) Counter() *atomic.Uint64 {
	// A mapping begins at a page, so the counter is aligned.
	return (*atomic.Uint64)(unsafe.Pointer(&m.mapped[counterAt])) //nolint:gosec // memory that others may write can't be had without
}

// Previous is the run before this one and its last number; zero when there was none.
func (m *Memory) Previous() (billingkey.Epoch, uint64) { return m.previous.epoch, m.previous.last }

// Spoiled says that a file was there which could not be believed, so that the previous run is not known.
func (m *Memory) Spoiled() bool { return m.spoiled }

// Close gives the file to the next process. The counter must not be used any more.
func (m *Memory) Close() error {
	var errs []error
	if m.mapped != nil {
		errs = append(errs, m.mapped.Unmap())
	}
	if m.file != nil {
		errs = append(errs, m.file.Close())
	}
	return errors.Join(append(errs, m.lock.Close())...)
}
