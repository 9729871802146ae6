package ops_test

import (
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"gateway-billing.internal/consumer/internal/deadletter"
	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/ops"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/consumer/internal/source"
	"gateway-billing.internal/shared/billingkey"
)

var update = flag.Bool("update", false, "write testdata/metrics.txt anew")

// The names, types, labels and helps are what dashboards and alerts rest on: a change must be meant.
func TestNamesAreStable(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	ops.NewMetrics(registry)
	ops.WatchSource(registry, func() source.State {
		return source.State{Queues: []source.QueueState{{Broker: "b", Queue: 1}}}
	})
	problems, err := testutil.GatherAndLint(registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("lint: %v %v", problems, err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, f := range families {
		got.WriteString(f.GetName() + " " + strings.ToLower(f.GetType().String()) + " {")
		for i, l := range f.GetMetric()[0].GetLabel() {
			if i > 0 {
				got.WriteString(", ")
			}
			got.WriteString(l.GetName())
		}
		got.WriteString("}\n\t" + f.GetHelp() + "\n")
	}
	const golden = "testdata/metrics.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("the metrics changed; with -update they are written anew. Now:\n%s", got.String())
	}
}

// values reads the metric lines that are not 0, without helps.
func values(t *testing.T, registry prometheus.Gatherer) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range families {
		for _, metric := range f.GetMetric() {
			words := []string{f.GetName()}
			for _, l := range metric.GetLabel() {
				words = append(words, l.GetName()+"="+l.GetValue())
			}
			name := strings.Join(words, " ")
			value := metric.GetCounter().GetValue() + metric.GetGauge().GetValue() + metric.GetHistogram().GetSampleSum()
			if value != 0 && f.GetName() != "billing_build_info" {
				out[name] = value
			}
		}
	}
	return out
}

func TestCountsAMessage(t *testing.T) {
	registry := prometheus.NewRegistry()
	m := ops.NewMetrics(registry)
	unit := record.Unit{
		Records: []record.Record{
			{KeyState: billingkey.Verified, KeySource: record.KeyFromGateway, Usage: record.Usage{State: record.UsageExact}},
			{KeyState: billingkey.Forged, KeySource: record.KeyFromFingerprint, Usage: record.Usage{State: record.UsageNone}},
			{KeyState: billingkey.Verified, KeySource: record.KeyFromGateway, Usage: record.Usage{State: record.UsageExact}},
		},
		Rejects: []record.Reject{{Reason: deadletter.ReasonNotAnEntry}},
	}
	m.MessageReceived(1234)
	m.MessageCommitted(&unit, ledger.Outcome{
		Entries: 4, Recorded: 1, Duplicate: 1, Raised: 1, Rejected: 2,
	})
	m.Committed(4, 20*time.Millisecond)
	m.Retried("outage")
	m.MessageAcked()
	m.MessagesReleased(3)
	m.MessageStuck()
	m.MessageReconsumed()
	m.ConnectFailed()
	m.OffsetJumped(source.OffsetJump{From: 10, To: 25})
	m.OffsetJumped(source.OffsetJump{From: -1, To: 25})
	m.OffsetJumped(source.OffsetJump{From: 25, To: 0})
	want := map[string]float64{
		"billing_message_bytes_total":                    1234,
		"billing_entries_read_total":                     4,
		"billing_entries_total outcome=recorded":         1,
		"billing_entries_total outcome=duplicate":        1,
		"billing_entries_total outcome=rejected":         2,
		"billing_records_raised_total":                   1,
		"billing_dead_letters_total reason=not_an_entry": 1,
		"billing_dead_letters_total reason=refused":      1,
		"billing_key_states_total state=verified":        2,
		"billing_key_states_total state=forged":          1,
		"billing_key_sources_total source=gateway":       2,
		"billing_key_sources_total source=fingerprint":   1,
		"billing_usage_states_total state=exact":         2,
		"billing_usage_states_total state=none":          1,
		"billing_commits_total":                          1,
		"billing_commit_seconds":                         0.02,
		"billing_commit_rows":                            4,
		"billing_retries_total fault=outage":             1,
		"billing_messages_total event=received":          1,
		"billing_messages_total event=acked":             1,
		"billing_messages_total event=released":          3,
		"billing_messages_total event=stuck":             1,
		"billing_messages_total event=reconsumed":        1,
		"billing_source_restarts_total":                  1,
		"billing_offset_jumps_total direction=forward":   2,
		"billing_offset_jumps_total direction=backward":  1,
		"billing_messages_expired_total":                 15,
	}
	got := values(t, registry)
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s is %v, want %v", name, got[name], value)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s is %v and was not expected", name, got[name])
		}
	}
}

func TestShowsTheStateOfTheSource(t *testing.T) {
	registry := prometheus.NewRegistry()
	state := source.State{
		Held: 7, HeldBytes: 700, Working: 2,
		Queues: []source.QueueState{{Broker: "b", Queue: 3, Lag: 40}},
	}
	ops.WatchSource(registry, func() source.State { return state })
	want := map[string]float64{
		"billing_held_messages": 7, "billing_held_bytes": 700, "billing_working_messages": 2, "billing_source_ready": 1,
		"billing_queue_lag_messages broker=b queue=3": 40,
	}
	for name, value := range want {
		if got := values(t, registry)[name]; got != value {
			t.Errorf("%s is %v, want %v", name, got, value)
		}
	}
	state.Reasons = []string{"no route"}
	if got := values(t, registry)["billing_source_ready"]; got != 0 {
		t.Errorf("not ready, but billing_source_ready is %v", got)
	}
}

// Each state that an entry's keys can have is a series of its own from the start, and is counted.
func TestCountsEveryKeyState(t *testing.T) {
	registry := prometheus.NewRegistry()
	m := ops.NewMetrics(registry)
	var unit record.Unit
	for _, state := range billingkey.States() {
		unit.Records = append(unit.Records, record.Record{KeyState: state, KeySource: record.KeyFromGateway})
	}
	m.MessageCommitted(&unit, ledger.Outcome{Recorded: len(unit.Records) - 1, Conflict: 1})
	got := values(t, registry)
	for _, state := range append(billingkey.States(), billingkey.Conflict) {
		if n := got["billing_key_states_total state="+string(state)]; n != 1 {
			t.Errorf("%s: counted %v times", state, n)
		}
	}
}
