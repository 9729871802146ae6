package stack

import (
	"os"
)

// makeDir makes the directory that holds the servers' data.
func (s *Stack) makeDir() (err error) {
	s.dir, err = os.MkdirTemp("", "billing-stack-")
	return err
}

func (s *Stack) removeDir() error {
	if s.dir == "" {
		return nil
	}
	return os.RemoveAll(s.dir)
}
