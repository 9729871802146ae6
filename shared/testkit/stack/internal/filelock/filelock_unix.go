//go:build unix

package filelock

import (
	"errors"
	"os"
	"syscall"
)

// Available says that locks hold on this operating system.
const Available = true

// Try takes the lock on the file at path if nobody has it.
func Try(path string) (unlock func(), locked bool, err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, false, err
	}
	for {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = nil
		}
		return nil, false, err
	}
	return func() { file.Close() }, true, nil
}
