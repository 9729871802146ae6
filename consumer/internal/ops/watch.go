package ops

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"gateway-billing.internal/consumer/internal/source"
)

// Watched are the states that are read whenever metrics are asked for. None of them may block.
type Watched struct {
	// Ready is what /readyz says, Database whether the database answers, Retrying how many transactions are tried again.
	Ready    func() bool
	Database func() bool
	Retrying func() int
	Source   func() source.State
	// DLQ is nil where the group's DLQ is not taken in.
	DLQ func() source.State
}

// Watch registers the metrics of states.
func Watch(registry prometheus.Registerer, w Watched) { registry.MustRegister(states{w, time.Now}) }

// The metrics of states.
var (
	ready = state("billing_ready",
		"1 while this consumer would make progress (/readyz says why not), else 0.")
	databaseUp = state("billing_database_up",
		"1 while the database answers and takes records, else 0.")
	retrying = state("billing_retrying_transactions",
		"Transactions that failed at least once and are being tried again.")
	sourceReady = state("billing_source_ready",
		"1 while messages can be read from the broker, else 0.")
	nameServerUp = state("billing_name_server_up",
		"1 while a name server answers, else 0. Absent before the first look.")
	brokerUp = state("billing_broker_up",
		"1 while a broker of the topic answers and lets this consumer read, else 0.", "broker")
	heldMessages = state("billing_held_messages",
		"Messages in memory, between their pull and their acknowledgement.")
	heldBytes = state("billing_held_bytes",
		"Bytes of the bodies of the messages in memory.")
	workingMessages = state("billing_working_messages",
		"Messages that are worked on or wait for their commit.")
	stuckMessages = state("billing_stuck_messages",
		"Messages that will not move before a restart, because of a fault in this program.")
	queueLag = state("billing_queue_lag_messages",
		"Messages of a queue assigned to this process that are not acknowledged yet.", "broker", "queue")
	queueLagSeconds = state("billing_queue_lag_seconds",
		"How long the first of these messages has been in the broker; 0 without one.", "broker", "queue")
	oldest = state("billing_oldest_unrecorded_seconds",
		"How long the oldest message that is not acknowledged has been in the broker, over all queues of this process; 0 without one.")
	queueKept = state("billing_queue_kept_messages",
		"Messages that the broker still has before the first that is not acknowledged: what it deletes sooner. "+
			"Negative: so many were deleted unread.", "broker", "queue")
	queueLeft = state("billing_queue_retention_left_seconds",
		"How long until the broker may delete the first message that is not acknowledged, by its fileReservedTime; all of that "+
			"time without one. Absent where the broker does not say. A full disk makes it earlier.", "broker", "queue")
	dlqReady = state("billing_dlq_ready",
		"0 while the group's DLQ is there and can't be read, else 1. Absent where it is not taken in.")
	dlqLag = state("billing_dlq_lag_messages",
		"Messages of the group's DLQ that are not recorded yet. Absent where it is not taken in.")
)

func state(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// states reads what it watches when it is collected.
type states struct {
	Watched
	now func() time.Time
}

// Describe names the metrics.
func (states) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		ready, databaseUp, retrying, sourceReady, nameServerUp, brokerUp, heldMessages, heldBytes, workingMessages, stuckMessages,
		queueLag, queueLagSeconds, oldest, queueKept, queueLeft, dlqReady, dlqLag,
	} {
		ch <- d
	}
}

// Collect reads each state once, so that its values belong together.
func (s states) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	gauge(ready, oneIf(s.Ready()))
	gauge(databaseUp, oneIf(s.Database()))
	gauge(retrying, float64(s.Retrying()))
	s.source(gauge)
	if s.DLQ != nil {
		dlq := s.DLQ()
		gauge(dlqReady, oneIf(dlq.Ready() || dlq.Absent || !dlq.Looked))
		waiting := int64(0)
		for _, q := range dlq.Queues {
			waiting += q.Lag
		}
		gauge(dlqLag, float64(waiting))
	}
}

func (s states) source(gauge func(d *prometheus.Desc, value float64, labels ...string)) {
	state, now := s.Source(), s.now()
	gauge(sourceReady, oneIf(state.Ready()))
	if state.Looked {
		gauge(nameServerUp, oneIf(state.NameServer))
	}
	for _, b := range state.Brokers {
		gauge(brokerUp, oneIf(b.Up), b.Name)
	}
	gauge(heldMessages, float64(state.Held))
	gauge(heldBytes, float64(state.HeldBytes))
	gauge(workingMessages, float64(state.Working))
	gauge(stuckMessages, float64(state.Stuck))
	longest := time.Duration(0)
	for _, q := range state.Queues {
		age := q.Age(now)
		longest = max(longest, age)
		queue := strconv.Itoa(q.Queue)
		gauge(queueLag, float64(q.Lag), q.Broker, queue)
		gauge(queueLagSeconds, age.Seconds(), q.Broker, queue)
		gauge(queueKept, float64(q.Kept), q.Broker, queue)
		if q.Retention > 0 {
			gauge(queueLeft, (q.Retention - age).Seconds(), q.Broker, queue)
		}
	}
	gauge(oldest, longest.Seconds())
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
