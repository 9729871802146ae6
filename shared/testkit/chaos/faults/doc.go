// Package faults owns the harm that a chaos run does to the parts around the flow, and how each is undone: to the
// consumers, to the HTTP API, to the database and the way to it, to the broker, the name server and the runner.
package faults

import (
	"context"
	"maps"

	"gateway-billing.internal/shared/testkit/chaos/schedule"
)

// Server is a server that can be hurt; those of package stack are.
type Server interface {
	Start(ctx context.Context) error
	Stop() error
	Kill() error
	Pause() error
	Resume() error
	// PID is 0 when it does not run.
	PID() int
}

type healing = func(context.Context) error

// merge is all faults by name.
func merge(all ...map[string]schedule.Fault) map[string]schedule.Fault {
	faults := map[string]schedule.Fault{}
	for _, some := range all {
		maps.Copy(faults, some)
	}
	return faults
}
