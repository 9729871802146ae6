package stack

import (
	"os"
	"path/filepath"
	"time"

	"gateway-billing.internal/shared/testkit/stack/internal/filelock"
)

// dirPattern names the directories of the servers' data in the directory for temporary files.
const dirPattern = "billing-stack-*"

// makeDir makes the directory that holds the servers' data, and a lock in it that says that it is in use.
func (s *Stack) makeDir() error {
	sweep()
	dir, err := os.MkdirTemp("", dirPattern)
	if err != nil {
		return err
	}
	s.dir = dir
	s.unlock, _, err = filelock.Try(filepath.Join(dir, "lock"))
	return err
}

func (s *Stack) removeDir() error {
	if s.dir == "" {
		return nil
	}
	err := os.RemoveAll(s.dir)
	if s.unlock != nil {
		s.unlock()
	}
	s.dir, s.unlock = "", nil
	return err
}

// sweep removes the directories that killed processes left behind: those that nobody holds the lock of.
func sweep() {
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), dirPattern))
	for _, dir := range dirs {
		// A young one may be about to be locked.
		if info, err := os.Stat(dir); err != nil || time.Since(info.ModTime()) < time.Minute || !filelock.Available {
			continue
		}
		unlock, locked, err := filelock.Try(filepath.Join(dir, "lock"))
		if err != nil || !locked {
			continue // in use, or another user's
		}
		os.RemoveAll(dir)
		unlock()
	}
}
