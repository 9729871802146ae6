package faults

import (
	"context"

	"gateway-billing.internal/shared/testkit/chaos/schedule"
)

// kill is SIGKILL; the server is started again with its data.
func kill(s Server) schedule.Fault {
	return func(context.Context, uint64) (healing, error) { return s.Start, s.Kill() }
}

// restart ends the server in order.
func restart(s Server) schedule.Fault {
	return func(context.Context, uint64) (healing, error) { return s.Start, s.Stop() }
}

// pause halts the server: its connections stay open and nobody answers.
func pause(s Server) schedule.Fault {
	return func(context.Context, uint64) (healing, error) {
		return func(context.Context) error { return s.Resume() }, s.Pause()
	}
}
