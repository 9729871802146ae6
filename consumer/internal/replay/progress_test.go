package replay_test

import (
	"bytes"
	"context"
	"testing"
	"testing/synctest"
	"time"

	"gateway-billing.internal/consumer/internal/replay"
)

// On a terminal progress is one line that changes, and what is said stands above it; elsewhere it is a line now and then.
func TestProgress(t *testing.T) {
	for _, tt := range []struct {
		terminal bool
		want     string
	}{
		{true, "\r\x1b[K1\r\x1b[K2\r\x1b[Ka word\n\r\x1b[K3\r\x1b[K"},
		{false, "a word\n"},
	} {
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			n := '0'
			p := replay.NewProgress(&out, tt.terminal, func() string { n++; return string(n) })
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() { defer close(done); p.Show(ctx) }()
			time.Sleep(500 * time.Millisecond) // in the bubble: no time passes
			p.Say("a word")
			time.Sleep(200 * time.Millisecond)
			stop()
			<-done
			if out.String() != tt.want {
				t.Errorf("terminal %v: %q, want %q", tt.terminal, &out, tt.want)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := replay.NewProgress(&out, false, func() string { return "line" })
		ctx, stop := context.WithTimeout(t.Context(), 25*time.Second)
		defer stop()
		p.Show(ctx)
		if out.String() != "line\nline\n" {
			t.Errorf("%q in 25 s", &out)
		}
	})
}
