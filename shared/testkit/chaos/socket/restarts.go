package socket

import (
	"context"
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"

	"gateway-billing.internal/shared/testkit/gateway/extplugin"
)

// Restarts ends the runner n times within a time, by SIGKILL or SIGTERM in turn, and holds it in between by SIGSTOP. The
// runner must come back by itself. Afterwards it runs. They return what was done, by signal.
func Restarts(ctx context.Context, runner *extplugin.Runner, n int, within time.Duration) (map[string]int, error) {
	done := map[string]int{}
	start, each := time.Now(), within/time.Duration(n)
	for i := range n {
		if !sleep(ctx, time.Until(start.Add(each*time.Duration(i)+rand.N(each)))) {
			break
		}
		if i%4 == 3 {
			done["STOP"]++
			if err := hold(ctx, runner); err != nil {
				return done, err
			}
		}
		signal, name := syscall.SIGKILL, "KILL"
		if i%2 == 1 {
			signal, name = syscall.SIGTERM, "TERM"
		}
		if err := runner.End(signal); err != nil {
			return done, fmt.Errorf("restart %d: %w", i, err)
		}
		done[name]++
		for runner.Pid() == 0 && sleep(ctx, 5*time.Millisecond) {
		}
	}
	return done, nil
}

func hold(ctx context.Context, runner *extplugin.Runner) error {
	if err := runner.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	sleep(ctx, 300*time.Millisecond)
	return runner.Signal(syscall.SIGCONT)
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
