package main

import (
	"context"
	"os"
	"time"
)

// look is how often the parent is looked at.
const look = 500 * time.Millisecond

// awaitOrphaned returns when the process that started this one is gone, or ctx ends. APISIX's own end comes as a signal; where it
// is killed nobody sends one, and each such runner would stay for ever.
func awaitOrphaned(ctx context.Context) (orphaned bool) {
	parent := os.Getppid()
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
			if os.Getppid() != parent {
				return true
			}
		}
	}
}
