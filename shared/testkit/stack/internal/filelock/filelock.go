// Package filelock owns locks on files between processes. A lock ends with its process at the latest. Where the
// operating system has no such locks (not a Unix) nothing is ever locked.
package filelock

import (
	"context"
	"time"
)

// Lock waits for the lock on the file at path, which it creates where it is absent.
func Lock(ctx context.Context, path string) (unlock func(), err error) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		unlock, locked, err := Try(path)
		if err != nil || locked {
			return unlock, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-tick.C:
		}
	}
}
