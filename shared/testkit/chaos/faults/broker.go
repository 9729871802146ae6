package faults

import (
	"context"
	"time"

	"gateway-billing.internal/shared/testkit/chaos/schedule"
)

// Runner is the plugin runner beside the gateway, which starts it again by itself.
type Runner interface{ Kill() error }

// Broker is the lane of what lies before the consumers.
func Broker() schedule.Lane {
	return schedule.Lane{
		Name: "broker", ShortestGap: 12 * time.Second, LongestGap: 30 * time.Second,
		Kinds: []schedule.Kind{
			{Name: "broker SIGKILL", Shortest: 0, Longest: 3 * time.Second},
			{Name: "name server restart", Shortest: 0, Longest: 4 * time.Second},
			{Name: "broker restart"},
			{Name: "broker pause", Shortest: time.Second, Longest: 6 * time.Second},
			{Name: "runner SIGKILL"},
		},
	}
}

// OfBroker are the faults of that lane.
func OfBroker(broker, nameServer Server, runner Runner) map[string]schedule.Fault {
	return map[string]schedule.Fault{
		"broker SIGKILL":      kill(broker),
		"broker restart":      restart(broker),
		"broker pause":        pause(broker),
		"name server restart": kill(nameServer),
		"runner SIGKILL":      func(context.Context, uint64) (healing, error) { return nil, runner.Kill() },
	}
}
