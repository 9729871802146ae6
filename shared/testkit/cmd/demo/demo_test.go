package main

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"gateway-billing.internal/shared/testkit/gateway"
	"gateway-billing.internal/shared/testkit/gateway/rocketlog"
)

// quiet is a broker that takes everything, and a gateway before it that needs no runner.
func quiet(t *testing.T, tally *tally, thrice *thrice, deliver rocketlog.SenderFunc) *gateway.Gateway {
	routes, global := bindings("topic")
	global.PostReq = nil
	for _, logger := range []*rocketlog.Conf{global.Logger, routes[1].Plugins.Logger} {
		logger.RetryDelay = time.Millisecond
	}
	g, err := gateway.New(gateway.Config{
		Sender: rocketlog.Faults(thrice.counting(deliver), thrice.decide),
		Routes: routes, Global: global, APIKeys: apiKeys, Observe: tally.observe,
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestTheTrafficHasAllThatTheStoryTells(t *testing.T) {
	tally, thrice := newTally(), &thrice{}
	g := quiet(t, tally, thrice, func(context.Context, rocketlog.Message) error { return nil })
	for _, request := range requests(400, 1) {
		if _, err := g.Do(t.Context(), request); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []account{{"acme", "chat"}, {"acme", "stream"}, {"alice", "chat"}, {"alice", "stream"}, {"", "open"}} {
		if s := tally.accounts[want]; s.requests < 20 || s.tokens() == 0 {
			t.Errorf("%+v: %+v, want some of everything", want, s)
		}
	}
	if len(tally.accounts) != 5 || tally.refused == 0 || tally.aborted == 0 || tally.total().requests != 400 {
		t.Errorf("tally %+v", tally)
	}
	streams := tally.accounts[account{"acme", "stream"}].requests + tally.accounts[account{"alice", "stream"}].requests
	if want := 400 + streams + 2*20; thrice.sends != 3 || thrice.entries != want {
		t.Errorf("the chosen batch was sent %d times, %d entries in all; want 3 and %d: streams twice, 20 entries thrice", thrice.sends, thrice.entries, want)
	}
}

func TestTheSameSeedGivesTheSameRequests(t *testing.T) {
	first, second, other := requests(50, 7), requests(50, 7), requests(50, 8)
	differs := false
	for i := range first {
		if first[i].URI != second[i].URI {
			t.Fatalf("request %d: %s and %s", i, first[i].URI, second[i].URI)
		}
		differs = differs || first[i].URI != other[i].URI
	}
	if !differs {
		t.Error("another seed gave the same requests")
	}
}

func TestACheckSeesADifference(t *testing.T) {
	var out strings.Builder
	s := story{out: &out}
	if !s.check("equal", 3, 3) || s.check("not equal", 3, 4) || !strings.Contains(out.String(), "DIFFERS") {
		t.Errorf("%s", out.String())
	}
}

func TestMissingBinariesAreNamed(t *testing.T) {
	err := run(t.Context(), options{runner: "no/such/runner"}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "no/such/runner") {
		t.Errorf("%v", err)
	}
}
