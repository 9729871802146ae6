package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"gateway-billing.internal/shared/testkit/gateway/extplugin"
	"gateway-billing.internal/shared/testkit/gateway/nginx"
)

// calls is how many requests each runner gets in a round at a concurrency.
const calls = 4000

// side is a runner with a configuration.
type side struct {
	name    string
	command []string
	conf    extplugin.Conf
	// headers are those that proxy-rewrite has set before.
	headers bool
}

// runnerBeside measures what a runner takes of a request, over its unix socket and with its questions for variables
// answered, in turn: one that does nothing, one that asks for the two variables and does nothing, and billing-runner.
func (b *bench) runnerBeside(ctx context.Context) error {
	stamp := func(conf string) extplugin.Conf { return extplugin.Conf{{Name: "billing-keys", Value: conf}} }
	sides := []side{
		{"noop", []string{b.noop}, extplugin.Conf{{Name: "noop", Value: "{}"}}, false},
		{"noop_vars", []string{b.noop}, extplugin.Conf{{Name: "vars", Value: "{}"}}, false},
		{"stamp_var", []string{b.runner}, stamp(`{"identity_from":"var"}`), false},
		{"stamp_headers", []string{b.runner}, stamp(`{"identity_from":"headers"}`), true},
	}
	runners := map[string]*extplugin.Runner{}
	for _, s := range sides {
		if runners[s.command[0]] != nil {
			continue
		}
		r, err := extplugin.NewRunner(extplugin.RunnerConfig{
			Command: s.command, Env: []string{"BILLING_STAMP_KEYS=" + keys, "BILLING_RUNNER_LOG_LEVEL=warn", "BILLING_RUNNER_STATE_DIR=" + b.dir},
		})
		if err != nil {
			return err
		}
		defer func() { _ = r.Stop() }()
		if err := r.Start(ctx); err != nil {
			return err
		}
		runners[s.command[0]] = r
	}
	for range b.rounds {
		took, err := b.traffic.seal()
		if err != nil {
			return err
		}
		b.results.add("stamp_ns", "ns", float64(took.Nanoseconds()))
	}
	for _, concurrency := range []int{1, 16} {
		// One round more than is counted: the first warms up.
		for round := range b.rounds + 1 {
			for _, s := range sides {
				p50, err := callAll(ctx, runners[s.command[0]], s, concurrency)
				if err != nil {
					return fmt.Errorf("%s: %w", s.name, err)
				}
				if round > 0 {
					b.results.add(fmt.Sprintf("runner_%s_c%d", s.name, concurrency), "us", float64(p50.Nanoseconds())/1e3)
				}
			}
		}
	}
	return nil
}

// callAll makes the calls and gives the median of how long one takes.
func callAll(ctx context.Context, r *extplugin.Runner, s side, concurrency int) (time.Duration, error) {
	var mu sync.Mutex
	var all []time.Duration
	var failed error
	var calling sync.WaitGroup
	for worker := range concurrency {
		calling.Go(func() {
			var own []time.Duration
			for i := range calls / concurrency {
				x := exchange(worker*calls+i, s.headers)
				start := time.Now()
				_, err := r.Call(ctx, "route-"+s.name, s.conf, x)
				own = append(own, time.Since(start))
				if err != nil {
					mu.Lock()
					failed = err
					mu.Unlock()
					return
				}
			}
			mu.Lock()
			all = append(all, own...)
			mu.Unlock()
		})
	}
	calling.Wait()
	if failed != nil {
		return 0, failed
	}
	slices.Sort(all)
	return all[len(all)/2], nil
}

// exchange is a request as a client of an LLM sends it.
func exchange(n int, rewritten bool) *nginx.Exchange {
	id := fmt.Sprintf("%032x", n+1)
	x := &nginx.Exchange{
		ID: id, Method: "POST", URI: "/v1/chat/completions", RemoteAddr: "127.0.0.1", Matched: true, RouteID: "chat", Start: time.Now(),
		Consumer: "alice",
		Header: nginx.Header{
			{Name: "Host", Value: "127.0.0.1:9080"}, {Name: "User-Agent", Value: "OpenAI/Python 1.40.0"}, {Name: "Accept", Value: "application/json"},
			{Name: "Content-Type", Value: "application/json"}, {Name: "Content-Length", Value: "341"},
		},
	}
	if rewritten {
		x.Header = append(x.Header, nginx.Field{Name: "X-Billing-Request-Id", Value: id}, nginx.Field{Name: "X-Billing-Consumer", Value: "alice"})
	}
	return x
}
