// Package runnermetrics owns what the runner counts of itself.
package runnermetrics

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Metrics are the runner's numbers:
//
//	billing_runner_stamps_total                    requests that were numbered and stamped
//	billing_runner_unstamped_total{reason}         requests that the plugin ran on and that got no stamp: identity, stamp, panic
//	billing_runner_conf_problems_total             fields of plugin configurations that were not taken
//	billing_runner_calls_total{kind}               frames of the gateway: conf, request, response, other
//	billing_runner_call_seconds                    a request's time in the runner, the gateway's answers to its questions included
//	billing_runner_connections                     open now
//	billing_runner_connections_total               accepted so far
//	billing_runner_failures_total{reason}          conf_unknown, answer (an error was answered), panic, cut (a frame not whole),
//	                                               write, accept (no descriptor left, or the like)
//
// and those of the Go runtime and of the process, its descriptors among them.
type Metrics struct {
	Stamps       prometheus.Counter
	Unstamped    *prometheus.CounterVec
	ConfProblems prometheus.Counter
	Calls        *prometheus.CounterVec
	CallSeconds  prometheus.Histogram
	Connections  prometheus.Gauge
	Accepted     prometheus.Counter
	Failures     *prometheus.CounterVec
}

// New makes the metrics and registers them.
func New(registry prometheus.Registerer) *Metrics {
	const ns = "billing_runner"
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: ns, Name: name, Help: help})
	}
	vector := func(name, help, label string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: ns, Name: name, Help: help}, []string{label})
	}
	m := &Metrics{
		Stamps:       counter("stamps_total", "Requests that were stamped."),
		Unstamped:    vector("unstamped_total", "Requests that got no stamp.", "reason"),
		ConfProblems: counter("conf_problems_total", "Fields of plugin configurations that were not taken."),
		Calls:        vector("calls_total", "Frames of the gateway.", "kind"),
		CallSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: ns, Name: "call_seconds", Help: "A request's time in the runner, the gateway's answers included.",
			Buckets: []float64{.00005, .0001, .00025, .0005, .001, .0025, .005, .01, .025, .1, .5, 1, 5, 60},
		}),
		Connections: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: ns, Name: "connections", Help: "Connections open now."}),
		Accepted:    counter("connections_total", "Connections accepted."),
		Failures:    vector("failures_total", "What went wrong at the socket.", "reason"),
	}
	registry.MustRegister(m.Stamps, m.Unstamped, m.ConfProblems, m.Calls, m.CallSeconds, m.Connections, m.Accepted, m.Failures,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, reason := range []string{"identity", "stamp", "panic"} {
		m.Unstamped.WithLabelValues(reason)
	}
	for _, reason := range []string{"conf_unknown", "answer", "panic", "cut", "write", "accept"} {
		m.Failures.WithLabelValues(reason)
	}
	return m
}
