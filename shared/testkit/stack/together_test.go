package stack

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

func TestTogether(t *testing.T) {
	broken := errors.New("broken")
	fails := func(context.Context) error { return broken }
	waits := func(ctx context.Context) error {
		<-ctx.Done()
		return fmt.Errorf("not ready: %w", ctx.Err())
	}
	if err := together(t.Context(), waits, fails, waits); !errors.Is(err, broken) || errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want only what made the others end", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := together(ctx, waits); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v of a caller who gave up", err)
	}
}
