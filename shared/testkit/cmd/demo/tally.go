package main

import (
	"cmp"
	"slices"
	"sync"

	"gateway-billing.internal/shared/testkit/gateway"
)

// account is whom and what for: an APISIX consumer ("" for anonymous) and a route.
type account struct{ consumer, route string }

// sum is what an account used.
type sum struct{ requests, prompt, completion int64 }

func (s sum) tokens() int64 { return s.prompt + s.completion }

// tally is what the sender knows: it is told of each request before the gateway encodes anything.
type tally struct {
	mu       sync.Mutex
	accounts map[account]sum
	// entries is how many log entries the requests make: one or two each.
	entries int64
	// refused counts 502s, aborted the streams whose client went away before the usage came.
	refused, aborted int64
}

func newTally() *tally { return &tally{accounts: map[account]sum{}} }

func (t *tally) observe(truth gateway.Truth) {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := account{truth.Consumer, truth.Route}
	s := t.accounts[key]
	s.requests++
	switch {
	case truth.Usage != nil:
		s.prompt += truth.Usage.Prompt
		s.completion += truth.Usage.Completion
	case truth.Status == 502:
		t.refused++
	default:
		t.aborted++
	}
	t.accounts[key] = s
	t.entries += int64(truth.Entries)
}

func (t *tally) total() sum {
	t.mu.Lock()
	defer t.mu.Unlock()
	return totalOf(t.accounts)
}

func totalOf(accounts map[account]sum) sum {
	var all sum
	for _, s := range accounts {
		all.requests += s.requests
		all.prompt += s.prompt
		all.completion += s.completion
	}
	return all
}

// inOrder are the accounts of both maps, by APISIX consumer and route.
func inOrder(maps ...map[account]sum) []account {
	var keys []account
	for _, m := range maps {
		for key := range m {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b account) int {
		return cmp.Or(cmp.Compare(a.consumer, b.consumer), cmp.Compare(a.route, b.route))
	})
	return slices.Compact(keys)
}
