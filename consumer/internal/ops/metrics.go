package ops

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"gateway-billing.internal/consumer/internal/buildinfo"
	"gateway-billing.internal/consumer/internal/deadletter"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/shared/billingkey"
)

// Metrics counts what the flow does. Its methods are safe for concurrent use and named for what happened; the table of
// all metrics is in NewMetrics, and in METRICS.md with what to do about them. No label holds a value that a client, an
// upstream or the gateway chose, but for the ids of routes, of which there are at most maxRoutes.
type Metrics struct {
	entriesRead                             prometheus.Counter
	recorded, duplicate, conflict, rejected prometheus.Counter
	raised                                  prometheus.Counter
	deadLetters                             *counters
	keyStates                               *counters
	keySources                              *counters
	usageStates                             *routeStates
	mismatches                              prometheus.Counter

	commits    prometheus.Counter
	commitTime prometheus.Histogram
	commitRows prometheus.Histogram
	retries    *counters

	received, acked, released, stuck, reconsumed prometheus.Counter
	messageBytes                                 prometheus.Counter
	forward, backward                            prometheus.Counter
	expired                                      prometheus.Counter
	restarts                                     prometheus.Counter

	missing        *prometheus.GaugeVec
	pending        *prometheus.GaugeVec
	pendingMu      sync.Mutex
	pendingReasons map[string]bool
}

// RegisterBuild registers what says which build this is.
func RegisterBuild(registry prometheus.Registerer) {
	build := buildinfo.Read()
	promauto.With(registry).NewGaugeVec(prometheus.GaugeOpts{
		Name: "billing_build_info", Help: "Always 1; the labels say which build this is.",
	}, []string{"version", "revision", "go"}).WithLabelValues(build.Version, build.Revision, build.Go).Set(1)
}

// NewMetrics registers all metrics but those of states, which Watch registers.
func NewMetrics(registry prometheus.Registerer) *Metrics {
	r := promauto.With(registry)
	counter := func(name, help string) prometheus.Counter {
		return r.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	// vector makes a counter with one label.
	vector := func(name, help, label string, values ...string) *counters {
		return newCounters(r.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label}), values...)
	}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return r.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
	}
	RegisterBuild(registry)

	entries := vector("billing_entries_total",
		"Log entries by outcome: a record of their own, a duplicate of one, a record under its fingerprint because "+
			"another request has its key (conflict), a dead letter (rejected).",
		"outcome", "recorded", "duplicate", "conflict", "rejected")
	messages := vector("billing_messages_total",
		"Messages by event: received from the broker, acknowledged after their commit, released (their queue went to "+
			"another consumer of the group, which reads them), stuck until a restart because of a fault in this program, reconsumed (given back to the broker instead).",
		"event", "received", "acked", "released", "stuck", "reconsumed")
	jumps := vector("billing_offset_jumps_total",
		"Queues whose position moved without reading, because the broker does not have the messages there. Forward is "+
			"loss: they expired unread.", "direction", "forward", "backward")
	m := &Metrics{
		// Entries. Counted when their message's transaction is committed; of a message that comes again, again.
		entriesRead: counter("billing_entries_read_total",
			"Log entries found in the messages whose transaction is committed (1 for a body that can't be decoded). "+
				"The sum of billing_entries_total over its outcomes must equal it."),
		recorded: entries.of("recorded"), duplicate: entries.of("duplicate"),
		conflict: entries.of("conflict"), rejected: entries.of("rejected"),
		raised: counter("billing_records_raised_total",
			"Duplicates whose copy knew more than the stored record, which was raised."),
		deadLetters: vector("billing_dead_letters_total",
			"Rejected entries by reason; bad_value:FIELD for a value that the gateway makes, refused for what the "+
				"database would not take.",
			"reason", reasons...),
		keyStates: vector("billing_key_states_total",
			"Entries that are no rejects, by what was made of their billing keys. A conflict is counted beside it, since only "+
				"the ledger finds it.",
			"state", names(append(billingkey.States(), billingkey.Conflict)...)...),
		keySources: vector("billing_key_sources_total",
			"Entries that are no rejects, by where their key came from. A fingerprint is a weak key.",
			"source", names(record.KeyFromGateway, record.KeyFromStamp, record.KeyFromFingerprint)...),
		usageStates: newRouteStates(r.NewCounterVec(prometheus.CounterOpts{
			Name: "billing_usage_states_total",
			Help: "Entries that are no rejects, by route and by how sure their usage is. The first hundred routes that this " +
				"process meets have a label of their own, the rest is (other); (unmatched) is no route of the gateway's, " +
				"(unknown) an entry that does not say.",
		}, []string{"route", "state"})),
		mismatches: counter("billing_usage_mismatches_total",
			"Entries that are no rejects, whose counts a provider's own total or the gateway's llm_summary contradicts."),
		// Without a label, so that it is absent until it is known: a jump from 0 would look like a loss.
		missing: r.NewGaugeVec(prometheus.GaugeOpts{
			Name: "billing_stamp_numbers_missing",
			Help: "Numbers of sealed stamps that did not arrive, of all runs of all runners, once a later number is there for 10 " +
				"minutes: entries lost before the broker, or requests that the gateway gave up. Absent until it is known, some seconds after the start.",
		}, nil),

		pending: r.NewGaugeVec(prometheus.GaugeOpts{
			Name: "billing_dead_letters_pending",
			Help: "Dead letters that wait for a person, by reason, as of at most half a minute ago. All consumers of a ledger show the same number.",
		}, []string{"reason"}),
		pendingReasons: map[string]bool{},

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
		received: messages.of("received"), acked: messages.of("acked"), released: messages.of("released"),
		stuck: messages.of("stuck"), reconsumed: messages.of("reconsumed"),
		messageBytes: counter("billing_message_bytes_total", "Bytes of the bodies of received messages."),
		forward:      jumps.of("forward"), backward: jumps.of("backward"),
		expired: counter("billing_messages_expired_total",
			"Messages that expired in the broker before they were read, as far as their number is known. Each is a loss."),
		restarts: counter("billing_source_restarts_total",
			"Connections to the broker that failed and were tried again."),
	}
	for _, reason := range reasons {
		m.pending.WithLabelValues(reason)
		m.pendingReasons[reason] = true
	}
	return m
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
