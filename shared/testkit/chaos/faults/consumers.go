package faults

import (
	"context"
	"time"

	"gateway-billing.internal/shared/testkit/chaos/fleet"
	"gateway-billing.internal/shared/testkit/chaos/schedule"
)

// Consumers is the lane of the consumers.
func Consumers() schedule.Lane {
	return schedule.Lane{
		Name: "consumers", ShortestGap: time.Second, LongestGap: 5 * time.Second,
		Kinds: []schedule.Kind{
			{Name: "consumer SIGKILL"},
			{Name: "consumer pause", Shortest: time.Second, Longest: 8 * time.Second},
			{Name: "consumer restart"},
			// What the hold is for: to come to the point, and in the drain to have work.
			{Name: "SIGKILL after decode", Shortest: 3 * time.Second, Longest: 6 * time.Second},
			{Name: "SIGKILL before commit", Shortest: 3 * time.Second, Longest: 6 * time.Second},
			{Name: "SIGKILL before ack", Shortest: 3 * time.Second, Longest: 6 * time.Second},
			{Name: "SIGKILL in drain", Shortest: 3 * time.Second, Longest: 5 * time.Second},
		},
	}
}

// mostPasses bounds how often a point is passed before the process ends there.
const mostPasses = 40

// OfConsumers are the faults of that lane.
func OfConsumers(f *fleet.Fleet) map[string]schedule.Fault {
	point := func(name string) schedule.Fault {
		return func(_ context.Context, draw uint64) (healing, error) {
			_, err := f.Arm(draw, name, 1+draw>>8%mostPasses)
			return nil, err
		}
	}
	return map[string]schedule.Fault{
		"consumer SIGKILL": func(_ context.Context, draw uint64) (healing, error) { return nil, f.Kill(draw) },
		"consumer pause": func(_ context.Context, draw uint64) (healing, error) {
			resume, err := f.Pause(draw)
			return func(context.Context) error { return resume() }, err
		},
		"consumer restart":      func(_ context.Context, draw uint64) (healing, error) { return nil, f.Restart(draw) },
		"SIGKILL after decode":  point("after-decode"),
		"SIGKILL before commit": point("before-commit"),
		"SIGKILL before ack":    point("before-ack"),
		"SIGKILL in drain": func(_ context.Context, draw uint64) (healing, error) {
			drain, err := f.Arm(draw, "drain", 1)
			return func(context.Context) error { return drain() }, err
		},
	}
}
