package ops_test

import (
	"maps"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"gateway-billing.internal/consumer/internal/ops"
	"gateway-billing.internal/consumer/internal/source"
)

// watched are states in which every metric of a state has a value.
func watched(state, dlq *source.State) ops.Watched {
	return ops.Watched{
		Ready: func() bool { return true }, Database: func() bool { return true }, Retrying: func() int { return 3 },
		Source: func() source.State { return *state }, DLQ: func() source.State { return *dlq },
	}
}

func fullState(asked time.Time) *source.State {
	return &source.State{
		Looked: true, NameServer: true, Brokers: []source.BrokerState{{Name: "b", Up: true}},
		Held: 7, HeldBytes: 700, Working: 2, Stuck: 1,
		Queues: []source.QueueState{
			{Broker: "b", Queue: 3, Lag: 40, Kept: 5, Asked: asked, Oldest: asked.Add(-time.Minute), Retention: time.Hour},
			{Broker: "b", Queue: 4, Kept: -2, Asked: asked},
		},
	}
}

func TestShowsStates(t *testing.T) {
	registry := prometheus.NewRegistry()
	state := fullState(time.Now().Add(-time.Hour)) // a broker that answers is believed as of when it was asked
	dlq := &source.State{Looked: true, Queues: []source.QueueState{{Lag: 2}, {Lag: 3}}}
	ops.Watch(registry, watched(state, dlq))
	want := map[string]float64{
		"billing_ready": 1, "billing_database_up": 1, "billing_retrying_transactions": 3,
		"billing_source_ready": 1, "billing_name_server_up": 1, "billing_broker_up broker=b": 1,
		"billing_held_messages": 7, "billing_held_bytes": 700, "billing_working_messages": 2, "billing_stuck_messages": 1,
		"billing_queue_lag_messages broker=b queue=3":           40,
		"billing_queue_lag_seconds broker=b queue=3":            60,
		"billing_oldest_unrecorded_seconds":                     60,
		"billing_queue_kept_messages broker=b queue=3":          5,
		"billing_queue_kept_messages broker=b queue=4":          -2,
		"billing_queue_retention_left_seconds broker=b queue=3": 3540,
		"billing_dlq_ready":                                     1, "billing_dlq_lag_messages": 5,
	}
	if got := values(t, registry); !maps.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}

	// Servers that are away: the queues are as they were, and what waits grows older.
	state.Reasons, state.NameServer, state.Brokers[0].Up = []string{"no route"}, false, false
	for i := range state.Queues {
		state.Queues[i].Stale = true
	}
	dlq.Reasons = []string{"may be written only"}
	got := values(t, registry)
	for _, name := range []string{"billing_source_ready", "billing_name_server_up", "billing_broker_up broker=b", "billing_dlq_ready"} {
		if got[name] != 0 {
			t.Errorf("%s is %v while it is away", name, got[name])
		}
	}
	if age := got["billing_queue_lag_seconds broker=b queue=3"]; age < 3660 || got["billing_queue_lag_messages broker=b queue=3"] != 40 {
		t.Errorf("the first of %v messages is %v s old, want 40 and an hour more", got["billing_queue_lag_messages broker=b queue=3"], age)
	}
	if dlq.Absent = true; values(t, registry)["billing_dlq_ready"] != 1 {
		t.Error("a group without a DLQ is as it should be")
	}
}

// Before the first look nothing is known of the servers, and a broker that does not tell its retention is not believed to
// keep messages for ever, nor to be about to delete them.
func TestUnknownStatesAreAbsent(t *testing.T) {
	registry := prometheus.NewRegistry()
	state := &source.State{Reasons: []string{"not started"}, Queues: []source.QueueState{{Broker: "b"}}}
	w := watched(state, &source.State{Reasons: []string{"not started"}})
	ops.Watch(registry, w)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		switch f.GetName() {
		case "billing_name_server_up", "billing_broker_up", "billing_queue_retention_left_seconds":
			t.Errorf("%s: %v", f.GetName(), f.GetMetric())
		}
	}
	if values(t, registry)["billing_dlq_ready"] != 1 {
		t.Error("a DLQ that was not looked for is called unreadable")
	}
}
