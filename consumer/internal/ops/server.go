package ops

import (
	"context"
	"encoding/json"
	"fmt"
	stdlog "log" //nolint:depguard // http.Server knows no other logger
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/rs/zerolog"
)

// shutdownLimit is how long requests in flight may take when the server stops. A scrape takes milliseconds.
const shutdownLimit = time.Second

// Server answers
//
//	/healthz  200 as long as the process can answer: restart it when this fails
//	/readyz   200 {"ready":true,"reasons":[]} or 503 {"ready":false,"reasons":["…"]}: what keeps it from recording now.
//	          A consumer that waits for its database or broker is alive and not ready; restarting it would not help.
//	/metrics  the registry, in Prometheus's format
type Server struct {
	listener net.Listener
	mux      *http.ServeMux
	http     *http.Server
}

// Listen takes the address (host:port; port 0 takes a free one), so that one that is taken fails here and not later.
// notReady is asked at each /readyz: the reasons why the consumer is not ready, none when it is. It must not block.
// Nothing is answered before Serve, and only Serve closes the listener.
func Listen(address string, registry *prometheus.Registry, notReady func() []string, log zerolog.Logger) (*Server, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("http.listen: %w", err)
	}
	errorLog := stdlog.New(log.With().Str("component", "http").Logger(), "", 0)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", healthz)
	mux.Handle("GET /readyz", readyz(notReady))
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorLog: errorLog, ErrorHandling: promhttp.ContinueOnError,
	}))
	return &Server{
		listener: listener,
		mux:      mux,
		http: &http.Server{
			Handler:           mux,
			ReadTimeout:       5 * time.Second,
			ReadHeaderTimeout: 5 * time.Second,
			WriteTimeout:      15 * time.Second,
			IdleTimeout:       2 * time.Minute,
			MaxHeaderBytes:    16 << 10,
			ErrorLog:          errorLog,
		},
	}, nil
}

// ServeProfiles adds Go's profiles under /debug/pprof/; it comes before Serve. A profile or trace over a time takes up to 14 s.
func (s *Server) ServeProfiles() {
	s.mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	s.mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	s.mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
}

// Address is where the server listens, with the port that it got.
func (s *Server) Address() string { return s.listener.Addr().String() }

// Serve answers until ctx ends, lets requests in flight finish and returns nil; all its goroutines have ended then.
func (s *Server) Serve(ctx context.Context) error {
	failed := make(chan error, 1)
	go func() { failed <- s.http.Serve(s.listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("http: %w", err)
	case <-ctx.Done():
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownLimit)
	defer cancel()
	err := s.http.Shutdown(limited)
	if err != nil {
		err = s.http.Close()
	}
	<-failed
	return err
}

func healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintln(w, "ok")
}

func readyz(notReady func() []string) http.Handler {
	type answer struct {
		Ready   bool     `json:"ready"`
		Reasons []string `json:"reasons"`
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		reasons := notReady()
		code := http.StatusOK
		if len(reasons) > 0 {
			code = http.StatusServiceUnavailable
		} else {
			reasons = []string{}
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(code)
		// An error here is a client that went away.
		_ = json.NewEncoder(w).Encode(answer{Ready: code == http.StatusOK, Reasons: reasons})
	})
}
