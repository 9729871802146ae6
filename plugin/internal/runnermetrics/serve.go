package runnermetrics

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/rs/zerolog"
)

// retry is how long Serve waits for an address that another process has: where APISIX is started anew, the runner of before
// may still be at its end.
const retry = time.Second

// Serve answers /metrics at the address until ctx ends. It never fails: the requests of the gateway are more than their
// metrics.
func Serve(ctx context.Context, address string, gatherer prometheus.Gatherer, log zerolog.Logger) {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(gatherer, promhttp.HandlerOpts{}))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	for warned := false; ; warned = true {
		listener, err := net.Listen("tcp", address)
		if err == nil {
			log.Info().Stringer("address", listener.Addr()).Msg("metrics")
			err = server.Serve(listener)
		}
		if ctx.Err() != nil || errors.Is(err, http.ErrServerClosed) {
			return
		}
		if !warned {
			log.Warn().Err(err).Msg("no metrics for now")
		}
		select {
		case <-time.After(retry):
		case <-ctx.Done():
			return
		}
	}
}
