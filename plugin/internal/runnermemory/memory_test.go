package runnermemory_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"gateway-billing.internal/plugin/internal/runnermemory"
	"gateway-billing.internal/shared/billingkey"
)

func epoch(n uint64) billingkey.Epoch {
	return billingkey.NewEpoch(time.UnixMilli(1_790_000_000_000), n)
}

func open(t *testing.T, dir string, n uint64) *runnermemory.Memory {
	t.Helper()
	m, err := runnermemory.Open(dir, "host-1", epoch(n))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func wantPrevious(t *testing.T, m *runnermemory.Memory, wantEpoch billingkey.Epoch, wantLast uint64) {
	t.Helper()
	if e, last := m.Previous(); e != wantEpoch || last != wantLast {
		t.Errorf("previous %s with %d, want %s with %d", e, last, wantEpoch, wantLast)
	}
}

func TestNextRunKnowsTheLastNumber(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made")
	m := open(t, dir, 1)
	wantPrevious(t, m, billingkey.Epoch{}, 0)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				m.Counter().Add(1)
			}
		})
	}
	wg.Wait()
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	// A run that gives no number does not stand between.
	m = open(t, dir, 2)
	wantPrevious(t, m, epoch(1), 8000)
	m.Close()
	m = open(t, dir, 3)
	wantPrevious(t, m, epoch(1), 8000)
	m.Counter().Add(5)
	m.Close()
	m = open(t, dir, 4)
	defer m.Close()
	wantPrevious(t, m, epoch(3), 5)
	if m.Counter().Load() != 0 {
		t.Errorf("a new run begins at %d", m.Counter().Load())
	}
}

// Two processes of one name at once have a file each, and another name has files of its own.
func TestRunsSideBySide(t *testing.T) {
	dir := t.TempDir()
	first, second := open(t, dir, 1), open(t, dir, 2)
	first.Counter().Add(10)
	second.Counter().Add(20)
	other, err := runnermemory.Open(dir, "host-2", epoch(3))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	wantPrevious(t, other, billingkey.Epoch{}, 0)
	second.Close()
	third := open(t, dir, 4)
	defer third.Close()
	wantPrevious(t, third, epoch(2), 20)
	first.Close()
	fourth := open(t, dir, 5)
	defer fourth.Close()
	wantPrevious(t, fourth, epoch(1), 10)
}

// What is in the file is believed whole or not at all.
func TestSpoiledFile(t *testing.T) {
	dir := t.TempDir()
	m := open(t, dir, 1)
	m.Counter().Add(7)
	m.Close()
	files, _ := filepath.Glob(filepath.Join(dir, "*.state"))
	if len(files) != 1 {
		t.Fatalf("%d state files", len(files))
	}
	whole, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for i := range 48 { // the counter behind them may hold any number
		spoiled := append([]byte(nil), whole...)
		spoiled[i] ^= 0x40
		for _, content := range [][]byte{spoiled, whole[:i], append(append([]byte(nil), whole...), 0)} {
			if err := os.WriteFile(files[0], content, 0o600); err != nil {
				t.Fatal(err)
			}
			m := open(t, dir, 2)
			wantPrevious(t, m, billingkey.Epoch{}, 0)
			if m.Spoiled() != (len(content) > 0) {
				t.Errorf("%d bytes: spoiled is %v", len(content), m.Spoiled())
			}
			m.Close()
		}
	}
	whole[55] = 0xff // a counter beyond all that can be
	if err := os.WriteFile(files[0], whole, 0o600); err != nil {
		t.Fatal(err)
	}
	m = open(t, dir, 3)
	defer m.Close()
	wantPrevious(t, m, billingkey.Epoch{}, 0)
}

func TestDirectoryThatCantBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := runnermemory.Open(filepath.Join(file, "dir"), "host-1", epoch(1)); err == nil {
		t.Error("opened below a file")
	}
}
