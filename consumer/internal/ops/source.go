package ops

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"gateway-billing.internal/consumer/internal/source"
)

var _ source.Observer = (*Metrics)(nil)

// MessageReceived counts a message that the broker handed over.
func (m *Metrics) MessageReceived(bytes int) {
	m.messages.WithLabelValues("received").Inc()
	m.messageBytes.Add(float64(bytes))
}

// MessageAcked counts a message that was acknowledged.
func (m *Metrics) MessageAcked() { m.messages.WithLabelValues("acked").Inc() }

// MessageStuck counts a message that is held until a restart.
func (m *Metrics) MessageStuck() { m.messages.WithLabelValues("stuck").Inc() }

// MessageReconsumed counts a message that was given back to the broker.
func (m *Metrics) MessageReconsumed() { m.messages.WithLabelValues("reconsumed").Inc() }

// MessagesReleased counts messages that another consumer of the group reads now.
func (m *Metrics) MessagesReleased(n int) { m.messages.WithLabelValues("released").Add(float64(n)) }

// OffsetJumped counts a position that moved without reading, and what was lost by it.
func (m *Metrics) OffsetJumped(jump source.OffsetJump) {
	if jump.To < jump.From {
		m.offsetJumps.WithLabelValues("backward").Inc()
		return
	}
	m.offsetJumps.WithLabelValues("forward").Inc()
	if jump.From >= 0 {
		m.expired.Add(float64(jump.To - jump.From))
	}
}

// ConnectFailed counts a connection that failed.
func (m *Metrics) ConnectFailed() { m.restarts.Inc() }

// The metrics of the source's state. They are read when they are asked for.
var (
	heldMessages = prometheus.NewDesc("billing_held_messages",
		"Messages in memory, between their pull and their acknowledgement.", nil, nil)
	heldBytes = prometheus.NewDesc("billing_held_bytes",
		"Bytes of the bodies of the messages in memory.", nil, nil)
	workingMessages = prometheus.NewDesc("billing_working_messages",
		"Messages that are worked on or wait for their commit.", nil, nil)
	queueLag = prometheus.NewDesc("billing_queue_lag_messages",
		"Messages of a queue assigned to this process that are not acknowledged yet.", []string{"broker", "queue"}, nil)
	ready = prometheus.NewDesc("billing_source_ready",
		"1 while messages can be read from the broker, else 0.", nil, nil)
)

// WatchSource registers the metrics of the source's state. state must not block.
func WatchSource(registry prometheus.Registerer, state func() source.State) {
	registry.MustRegister(sourceState(state))
}

// sourceState reads a source's state when it is collected.
type sourceState func() source.State

// Describe names the metrics.
func (sourceState) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{heldMessages, heldBytes, workingMessages, queueLag, ready} {
		ch <- d
	}
}

// Collect reads the state once, so that the values belong together.
func (f sourceState) Collect(ch chan<- prometheus.Metric) {
	state := f()
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	gauge(heldMessages, float64(state.Held))
	gauge(heldBytes, float64(state.HeldBytes))
	gauge(workingMessages, float64(state.Working))
	if state.Ready() {
		gauge(ready, 1)
	} else {
		gauge(ready, 0)
	}
	for _, q := range state.Queues {
		gauge(queueLag, float64(q.Lag), q.Broker, strconv.Itoa(q.Queue))
	}
}
