package stack

import (
	"context"
	"errors"
	"sync"
)

// together runs all at once and waits for all. The first that fails ends the others' context, and what they then say
// about that is left out of the error.
func together(ctx context.Context, all ...func(context.Context) error) error {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make([]error, len(all))
	var group sync.WaitGroup
	for i, do := range all {
		group.Go(func() {
			err := do(inner)
			if err != nil && (ctx.Err() != nil || !errors.Is(err, context.Canceled)) {
				errs[i] = err
				cancel()
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}
