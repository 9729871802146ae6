package faults

import (
	"context"
	"database/sql"
	"time"

	"gateway-billing.internal/shared/testkit/chaos/proxies"
	"gateway-billing.internal/shared/testkit/chaos/schedule"
)

// Database is the lane of the database and of the way to it.
func Database() schedule.Lane {
	short := func(name string) schedule.Kind {
		return schedule.Kind{Name: name, Shortest: 500 * time.Millisecond, Longest: 4 * time.Second}
	}
	return schedule.Lane{
		Name: "database", ShortestGap: 500 * time.Millisecond, LongestGap: 4 * time.Second,
		Kinds: []schedule.Kind{
			{Name: "database SIGKILL", Shortest: 0, Longest: 2 * time.Second},
			{Name: "database restart", Shortest: 0, Longest: time.Second},
			short("database pause"), short("connections cut"), short("connections severed"), short("latency"),
			short("read_only"), short("table full"), short("disk full"), short("locks held"), short("deadlocks"),
		},
	}
}

// OfDatabase are the faults of that lane. admin is a connection past the proxy with all rights, to the run's database.
func OfDatabase(server Server, proxy *proxies.Proxy, admin *sql.DB) map[string]schedule.Fault {
	clear := func(ctx context.Context) error { proxy.Clear(ctx); return nil }
	return merge(map[string]schedule.Fault{
		"database SIGKILL": kill(server),
		"database restart": restart(server),
		"database pause":   pause(server),
		"disk full":        diskFull(server, admin),
		"connections cut": func(context.Context, uint64) (healing, error) {
			proxy.Cut()
			return func(context.Context) error { return proxy.Restore() }, nil
		},
		"connections severed": func(_ context.Context, draw uint64) (healing, error) {
			return clear, proxy.Sever(200 + int64(draw%5000))
		},
		"latency": func(_ context.Context, draw uint64) (healing, error) {
			return clear, proxy.Delay(time.Duration(20+draw%200)*time.Millisecond, 50*time.Millisecond)
		},
	}, settings(admin), rivals(admin))
}
