package schedule

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Fault does harm and returns what undoes it; a nil heal means that nothing is left to undo. Both are called once.
type Fault func(ctx context.Context, draw uint64) (heal func(context.Context) error, err error)

// Tell is told of each fault when it begins.
type Tell func(step Step)

// healLimit bounds a fault's beginning and its heal: a server that restarts on a busy machine.
const healLimit = 4 * time.Minute

// Run plays steps until all are done or ctx ends. What it applied it has healed when it returns.
func Run(ctx context.Context, steps []Step, faults map[string]Fault, tell Tell) error {
	for _, step := range steps {
		if !sleep(ctx, step.Wait) {
			return nil
		}
		tell(step)
		if err := play(ctx, step, faults[step.Kind]); err != nil {
			return fmt.Errorf("fault %s: %w", step.Kind, err)
		}
	}
	return nil
}

// play applies one fault and heals it. The end of ctx shortens only the time between.
func play(ctx context.Context, step Step, fault Fault) error {
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), healLimit)
	heal, err := fault(bounded, step.Draw)
	cancel()
	if err == nil {
		sleep(ctx, step.Hold)
	}
	if heal == nil {
		return err
	}
	bounded, cancel = context.WithTimeout(context.WithoutCancel(ctx), healLimit)
	defer cancel()
	return errors.Join(err, heal(bounded))
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return ctx.Err() == nil // both may have been ready
}
