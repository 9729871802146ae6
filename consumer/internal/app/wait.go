package app

import (
	"context"
	"math/rand/v2"
	"time"
)

// jittered is half of d to one and a half of it: the members of a group start together, and need not act together.
func jittered(d time.Duration) time.Duration {
	return d/2 + rand.N(d) //nolint:gosec // jitter is no secret
}

// wait waits; false when ctx ended before.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
