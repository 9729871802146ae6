package api

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// metrics are the API's. No label holds a value that a caller chose.
type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newMetrics(registry prometheus.Registerer) *metrics {
	r := promauto.With(registry)
	return &metrics{
		requests: r.NewCounterVec(prometheus.CounterOpts{
			Name: "billing_api_requests_total", Help: "Requests to the HTTP API, by operation and status of the answer.",
		}, []string{"operation", "code"}),
		seconds: r.NewHistogramVec(prometheus.HistogramOpts{
			Name: "billing_api_request_seconds", Help: "From a request to the HTTP API to the end of its answer, by operation.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"operation"}),
	}
}

func (m *metrics) answered(operation string, status int, took time.Duration) {
	m.requests.WithLabelValues(operation, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(operation).Observe(took.Seconds())
}
