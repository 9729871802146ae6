package faults

import (
	"time"

	"gateway-billing.internal/shared/testkit/chaos/fleet"
	"gateway-billing.internal/shared/testkit/chaos/schedule"
)

// API is the lane of what serves the HTTP API.
func API() schedule.Lane {
	return schedule.Lane{
		Name: "api", ShortestGap: 2 * time.Second, LongestGap: 8 * time.Second,
		Kinds: []schedule.Kind{
			{Name: "API SIGKILL"},
			{Name: "API restart"},
			{Name: "API pause", Shortest: time.Second, Longest: 5 * time.Second},
		},
	}
}

// OfAPI are the faults of that lane.
func OfAPI(f *fleet.Fleet) map[string]schedule.Fault {
	all := OfConsumers(f)
	return map[string]schedule.Fault{
		"API SIGKILL": all["consumer SIGKILL"],
		"API restart": all["consumer restart"],
		"API pause":   all["consumer pause"],
	}
}
