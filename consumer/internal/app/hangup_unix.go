//go:build unix

package app

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// atHangup calls do at each SIGHUP, one after the other, until ctx ends.
func atHangup(ctx context.Context, do func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	defer signal.Stop(signals)
	for {
		select {
		case <-ctx.Done():
			return
		case <-signals:
			do()
		}
	}
}
