package api

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	stdlog "log" //nolint:depguard // http.Server knows no other logger
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"gateway-billing.internal/consumer/internal/apitoken"
	"gateway-billing.internal/consumer/internal/deadletter"
	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/consumer/internal/source"
)

// Options are what the API is made of.
type Options struct {
	// Address is host:port; port 0 takes a free one.
	Address string
	// TLS is nil for plain HTTP.
	TLS   *tls.Config
	Store *ledger.Store
	// Redrive says what a dead letter becomes.
	Redrive func(*deadletter.Letter) record.Unit
	// Progress asks how far the group is.
	Progress func(context.Context) (source.Progress, error)
	// LogDelay is how long the gateway's loggers hold an entry at most.
	LogDelay time.Duration
	// LongestRequest is how long a request takes at most.
	LongestRequest time.Duration
	// RequestsPerSecond is how many requests a token may make, twice as many at once.
	RequestsPerSecond int
	// QueryLimit is how long an answer may take to begin.
	QueryLimit time.Duration
	Registry   prometheus.Registerer
	Log        zerolog.Logger
}

// Bounds of what one process takes on.
const (
	maxHeader  = 16 << 10
	maxAddress = 8 << 10
	maxBody    = 1 << 10
	// maxAtOnce is how many requests are answered at once: each may hold a connection to the database, of which the flow
	// needs some, and an answer in memory.
	maxAtOnce = 4
	// maxOfOne is how many of them are one token's, so that one who asks for much leaves the others their turns.
	maxOfOne = 2
	// maxRestricted is how many of them tokens may have that see some APISIX consumers alone, so that those leave one to who
	// takes all usage over.
	maxRestricted = maxAtOnce - 1
	// maxConnections leaves the flow its descriptors.
	maxConnections = 256
	// maxWaiting is for how long one waits for its turn.
	maxWaiting = 5 * time.Second
	// writeLimit is how long a client may take to take a part of an answer.
	writeLimit = 30 * time.Second
	// awayLimit is how long the database may take to answer at all, where an answer took too long.
	awayLimit = 2 * time.Second
	// shutdownLimit is how long requests in flight may take when the server stops.
	shutdownLimit = time.Second
)

// Server answers what openapi.yaml describes.
type Server struct {
	options  Options
	listener net.Listener
	http     *http.Server
	tokens   atomic.Pointer[apitoken.Set]
	// Turns of all, and of restricted tokens.
	turns, restricted chan struct{}
	connections       atomic.Int64
	limits            limits
	progress          progress
	metrics           *metrics
}

// Listen takes the address, so that one that is taken fails here and not later. Nothing is answered before Serve, and only
// Serve closes the listener.
func Listen(options Options, tokens *apitoken.Set) (*Server, error) {
	listener, err := net.Listen("tcp", options.Address)
	if err != nil {
		return nil, fmt.Errorf("api.listen: %w", err)
	}
	s := &Server{
		options: options, listener: listener, turns: make(chan struct{}, maxAtOnce), restricted: make(chan struct{}, maxRestricted),
		limits:   limits{perSecond: options.RequestsPerSecond},
		progress: progress{ask: options.Progress, log: options.Log},
		metrics:  newMetrics(options.Registry),
	}
	s.tokens.Store(tokens)
	s.http = &http.Server{
		Handler:           s.handler(),
		TLSConfig:         options.TLS,
		ReadTimeout:       10 * time.Second,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       30 * time.Second,
		MaxHeaderBytes:    maxHeader,
		ConnState:         s.count,
		ErrorLog:          stdlog.New(options.Log.With().Str("component", "api").Logger(), "", 0),
	}
	return s, nil
}

// count closes connections that are too many. A listener that counts would hide from http.Server how it ends them.
func (s *Server) count(conn net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		if s.connections.Add(1) > maxConnections {
			_ = conn.Close() // the server finds it closed
		}
	case http.StateClosed, http.StateHijacked:
		s.connections.Add(-1)
	}
}

// Address is where the server listens, with the port that it got.
func (s *Server) Address() string { return s.listener.Addr().String() }

// ReplaceTokens lets these tokens in from now on, and no others.
func (s *Server) ReplaceTokens(tokens *apitoken.Set) { s.tokens.Store(tokens) }

// Serve answers until ctx ends, lets requests in flight finish for a while and returns nil; all its goroutines have ended
// then.
func (s *Server) Serve(ctx context.Context) error {
	requests, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	s.http.BaseContext = func(net.Listener) context.Context { return requests }
	failed := make(chan error, 1)
	go func() {
		if s.options.TLS != nil {
			failed <- s.http.ServeTLS(s.listener, "", "")
			return
		}
		failed <- s.http.Serve(s.listener)
	}()
	select {
	case err := <-failed:
		return fmt.Errorf("api: %w", err)
	case <-ctx.Done():
	}
	limited, done := context.WithTimeout(context.WithoutCancel(ctx), shutdownLimit)
	defer done()
	err := s.http.Shutdown(limited)
	if errors.Is(err, context.DeadlineExceeded) {
		// First the connections: who asked sees that there is no answer, and is not told that the database has none.
		err = s.http.Close()
		cancel() // what still reads from the database stops there
	}
	<-failed
	s.wait()
	return err
}

// wait waits for the answers in flight, whose connections are closed.
func (s *Server) wait() {
	for range cap(s.turns) {
		s.turns <- struct{}{}
	}
}
