package ops_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"gateway-billing.internal/consumer/internal/deadletter"
	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/ops"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/consumer/internal/source"
	"gateway-billing.internal/shared/billingkey"
)

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
			{KeyState: billingkey.Verified, KeySource: record.KeyFromGateway, RouteID: new("chat"),
				Usage: record.Usage{State: record.UsageExact, Mismatch: true}},
			{KeyState: billingkey.Forged, KeySource: record.KeyFromFingerprint, Usage: record.Usage{State: record.UsageNone}},
			{KeyState: billingkey.Verified, KeySource: record.KeyFromGateway, RouteID: new(""), Usage: record.Usage{State: record.UsageExact}},
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
		"billing_message_bytes_total":                              1234,
		"billing_entries_read_total":                               4,
		"billing_entries_total outcome=recorded":                   1,
		"billing_entries_total outcome=duplicate":                  1,
		"billing_entries_total outcome=rejected":                   2,
		"billing_records_raised_total":                             1,
		"billing_dead_letters_total reason=not_an_entry":           1,
		"billing_dead_letters_total reason=refused":                1,
		"billing_key_states_total state=verified":                  2,
		"billing_key_states_total state=forged":                    1,
		"billing_key_sources_total source=gateway":                 2,
		"billing_key_sources_total source=fingerprint":             1,
		"billing_usage_states_total route=chat state=exact":        1,
		"billing_usage_states_total route=(unmatched) state=exact": 1,
		"billing_usage_states_total route=(unknown) state=none":    1,
		"billing_usage_mismatches_total":                           1,
		"billing_commits_total":                                    1,
		"billing_commit_seconds":                                   0.02,
		"billing_commit_rows":                                      4,
		"billing_retries_total fault=outage":                       1,
		"billing_messages_total event=received":                    1,
		"billing_messages_total event=acked":                       1,
		"billing_messages_total event=released":                    3,
		"billing_messages_total event=stuck":                       1,
		"billing_messages_total event=reconsumed":                  1,
		"billing_source_restarts_total":                            1,
		"billing_offset_jumps_total direction=forward":             2,
		"billing_offset_jumps_total direction=backward":            1,
		"billing_messages_expired_total":                           15,
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

// Routes come without end where somebody makes them by the request: they share one label then, and nothing is left out.
func TestRoutesAreBounded(t *testing.T) {
	registry := prometheus.NewRegistry()
	m := ops.NewMetrics(registry)
	const routes = 5000
	for n := range routes {
		id := fmt.Sprint("route-", n, strings.Repeat("x", n%200), "\xff")
		m.MessageCommitted(&record.Unit{Records: []record.Record{{RouteID: &id, Usage: record.Usage{State: record.UsageMissing}}}}, ledger.Outcome{Recorded: 1})
	}
	sum, series := 0.0, 0
	for name, value := range values(t, registry) {
		if strings.HasPrefix(name, "billing_usage_states_total ") {
			sum += value
			series++
		}
	}
	if sum != routes || series > 100 {
		t.Errorf("%v entries of %d in %d series, want all in at most 100", sum, routes, series)
	}
}

// What is pending no more goes to 0, and does not stay as it was.
func TestPendingDeadLettersGo(t *testing.T) {
	registry := prometheus.NewRegistry()
	m := ops.NewMetrics(registry)
	m.DeadLettersPending(map[string]int64{deadletter.ReasonNotJSON: 3, deadletter.BadValue("start_time"): 2})
	got := values(t, registry)
	if got["billing_dead_letters_pending reason=not_json"] != 3 || got["billing_dead_letters_pending reason=bad_value:start_time"] != 2 {
		t.Errorf("pending: %v", got)
	}
	m.DeadLettersPending(map[string]int64{deadletter.ReasonNotJSON: 1})
	if got := values(t, registry); len(got) != 1 || got["billing_dead_letters_pending reason=not_json"] != 1 {
		t.Errorf("pending, one of them left: %v", got)
	}
}

// BenchmarkMessageCommitted is what counting costs a message of ten records.
func BenchmarkMessageCommitted(b *testing.B) {
	m := ops.NewMetrics(prometheus.NewRegistry())
	unit := record.Unit{}
	for range 10 {
		unit.Records = append(unit.Records, record.Record{
			KeyState: billingkey.Verified, KeySource: record.KeyFromGateway, RouteID: new("chat"), Usage: record.Usage{State: record.UsageExact},
		})
	}
	for b.Loop() {
		m.MessageCommitted(&unit, ledger.Outcome{Entries: 10, Recorded: 10})
	}
}
