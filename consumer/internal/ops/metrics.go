package ops

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"gateway-billing.internal/consumer/internal/buildinfo"
	"gateway-billing.internal/consumer/internal/deadletter"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/shared/billingkey"
)

// Metrics counts what the flow does. Its methods are safe for concurrent use and named for what happened; the table of
// all metrics is in NewMetrics. No label ever holds a value that a client, an upstream or the gateway chose.
type Metrics struct {
	entriesRead  prometheus.Counter
	entries      *prometheus.CounterVec
	raised       prometheus.Counter
	deadLetters  *prometheus.CounterVec
	keyStates    *prometheus.CounterVec
	keySources   *prometheus.CounterVec
	usageStates  *prometheus.CounterVec
	messages     *prometheus.CounterVec
	messageBytes prometheus.Counter
	commits      prometheus.Counter
	commitTime   prometheus.Histogram
	commitRows   prometheus.Histogram
	retries      *prometheus.CounterVec
	offsetJumps  *prometheus.CounterVec
	expired      prometheus.Counter
	restarts     prometheus.Counter
	missing      prometheus.Gauge
	mismatches   prometheus.Counter
}

// NewMetrics registers all metrics but those of WatchSource.
func NewMetrics(registry prometheus.Registerer) *Metrics {
	r := promauto.With(registry)
	counter := func(name, help string) prometheus.Counter {
		return r.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	// vector makes a counter with one label. Each value that is known starts at 0, so that its first increase is seen.
	vector := func(name, help, label string, values ...string) *prometheus.CounterVec {
		v := r.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label})
		for _, value := range values {
			v.WithLabelValues(value)
		}
		return v
	}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return r.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
	}
	build := buildinfo.Read()
	r.NewGaugeVec(prometheus.GaugeOpts{
		Name: "billing_build_info", Help: "Always 1; the labels say which build this is.",
	}, []string{"version", "revision", "go"}).WithLabelValues(build.Version, build.Revision, build.Go).Set(1)

	return &Metrics{
		// Entries. Counted when their message's transaction is committed; of a message that comes again, again.
		entriesRead: counter("billing_entries_read_total",
			"Log entries found in the messages whose transaction is committed (1 for a body that can't be decoded). "+
				"The sum of billing_entries_total over its outcomes must equal it."),
		entries: vector("billing_entries_total",
			"Log entries by outcome: a record of their own, a duplicate of one, a record under its fingerprint because "+
				"another request has its key (conflict), a dead letter (rejected).",
			"outcome", "recorded", "duplicate", "conflict", "rejected"),
		raised: counter("billing_records_raised_total",
			"Duplicates whose copy knew more than the stored record, which was raised."),
		deadLetters: vector("billing_dead_letters_total",
			"Rejected entries by reason; bad_value:<field> for a value that the gateway makes, refused for what the "+
				"database would not take.",
			"reason", reasons...),
		keyStates: vector("billing_key_states_total",
			"Entries that are no rejects, by what was made of their billing keys. A conflict is counted beside it, since only "+
				"the ledger finds it.",
			"state", names(append(billingkey.States(), billingkey.Conflict)...)...),
		keySources: vector("billing_key_sources_total",
			"Entries that are no rejects, by where their key came from. A fingerprint is a weak key.",
			"source", names(record.KeyFromGateway, record.KeyFromStamp, record.KeyFromFingerprint)...),
		usageStates: vector("billing_usage_states_total",
			"Entries that are no rejects, by how sure their usage is.",
			"state", names(record.UsageExact, record.UsagePartial, record.UsageMissing, record.UsageNone)...),

		mismatches: counter("billing_usage_mismatches_total",
			"Entries that are no rejects, whose counts a provider's own total or the gateway's llm_summary contradicts."),
		missing: r.NewGauge(prometheus.GaugeOpts{
			Name: "billing_stamp_numbers_missing",
			Help: "Numbers of sealed stamps that did not arrive, of all runs of all runners, once a later number is there for 10 " +
				"minutes: entries lost before the broker, or requests that the gateway gave up. See billing-consumer gaps.",
		}),

		// The database.
		commits: counter("billing_commits_total", "Transactions committed."),
		commitTime: histogram("billing_commit_seconds", "From the first attempt at a transaction to its commit.",
			[]float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}),
		commitRows: histogram("billing_commit_rows", "Entries of a committed transaction, records and dead letters.",
			[]float64{1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500}),
		retries: vector("billing_retries_total",
			"Attempts at a transaction that failed, by fault: the server (outage), rights or tables (setup), another "+
				"transaction (contention), a broken connection, the content of a row (statement).",
			"fault", "outage", "setup", "contention", "connection_lost", "statement"),

		// The broker.
		messages: vector("billing_messages_total",
			"Messages by event: received from the broker, acknowledged after their commit, released (their queue went to "+
				"another consumer of the group, which reads them), stuck until a restart because of a fault in this program, reconsumed (given back to the broker instead).",
			"event", "received", "acked", "released", "stuck", "reconsumed"),
		messageBytes: counter("billing_message_bytes_total", "Bytes of the bodies of received messages."),
		offsetJumps: vector("billing_offset_jumps_total",
			"Queues whose position moved without reading, because the broker does not have the messages there. Forward is "+
				"loss: they expired unread.", "direction", "forward", "backward"),
		expired: counter("billing_messages_expired_total",
			"Messages that expired in the broker before they were read, as far as their number is known. Each is a loss."),
		restarts: counter("billing_source_restarts_total",
			"Connections to the broker that failed and were tried again."),
	}
}

// reasons exist before they occur: those that a message body itself can have. Those of bad_value are there from their
// first time on.
var reasons = []string{
	deadletter.ReasonNotJSON, deadletter.ReasonNotAnEntry, deadletter.ReasonEmpty, deadletter.ReasonTooMany,
	deadletter.ReasonNoIdentity, deadletter.ReasonNoStartTime, deadletter.ReasonPanic, refused,
}

// names are the values of a label.
func names[T ~string](values ...T) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = string(v)
	}
	return out
}
