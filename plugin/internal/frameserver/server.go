package frameserver

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/apache/apisix-go-plugin-runner/inside"
	"github.com/rs/zerolog"

	"gateway-billing.internal/plugin/internal/quietlog"
	"gateway-billing.internal/plugin/internal/runnermetrics"
)

// Options are what a Server needs.
type Options struct {
	// Handle is inside.Handle, but for tests.
	Handle func(kind byte, payload []byte, conn net.Conn) inside.Answer
	// Grace is how long everything goes on after the end was asked for, and Drain how long after that what is under way.
	Grace, Drain time.Duration
	Metrics      *runnermetrics.Metrics
	Log          zerolog.Logger
}

// Server serves the connections of one listener.
type Server struct {
	Options
	cut, failed, panicked, accepting *quietlog.Line

	wg       sync.WaitGroup
	mu       sync.Mutex
	conns    map[*connection]struct{}
	draining bool
}

// New makes a server.
func New(o Options) *Server {
	line := func() *quietlog.Line { return quietlog.New(o.Log, time.Now) }
	return &Server{Options: o, cut: line(), failed: line(), panicked: line(), accepting: line(), conns: map[*connection]struct{}{}}
}

// Serve serves until ctx ends, then ends as the package says, and returns how many calls it cut off. It closes the listener.
func (s *Server) Serve(ctx context.Context, listener net.Listener) (cutOff int) {
	var accepting sync.WaitGroup
	accepting.Go(func() { s.accept(listener) })
	<-ctx.Done()
	time.Sleep(s.Grace)
	s.mu.Lock()
	s.draining = true // so that accept takes the listener's end for its own
	s.mu.Unlock()
	if err := listener.Close(); err != nil {
		s.Log.Warn().Err(err).Msg("close the socket")
	}
	accepting.Wait()
	return s.drain()
}

// accept takes connections until the listener is closed. Where none can be had, for want of descriptors as a rule, it waits
// for some to end.
func (s *Server) accept(listener net.Listener) {
	for pause := time.Duration(0); ; {
		conn, err := listener.Accept()
		switch {
		case err == nil:
			pause = 0
			s.start(conn)
			continue
		case errors.Is(err, net.ErrClosed):
			return
		}
		s.Metrics.Failures.WithLabelValues("accept").Inc()
		s.accepting.Error(err, "no connection can be accepted")
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		time.Sleep(pause)
	}
}

func (s *Server) start(conn net.Conn) {
	c := &connection{server: s, frames: newFrames(conn)}
	s.mu.Lock()
	s.conns[c] = struct{}{}
	s.mu.Unlock()
	s.Metrics.Accepted.Inc()
	s.Metrics.Connections.Inc()
	s.wg.Go(func() {
		defer func() {
			_ = conn.Close()
			s.mu.Lock()
			delete(s.conns, c)
			s.mu.Unlock()
			s.Metrics.Connections.Dec()
		}()
		c.serve()
	})
}

// drain closes what is idle, waits for the others, and cuts off what is left at the limit.
func (s *Server) drain() (cutOff int) {
	s.mu.Lock()
	for c := range s.conns {
		c.end()
	}
	s.mu.Unlock()
	limit := time.AfterFunc(s.Drain, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		cutOff = len(s.conns)
		for c := range s.conns {
			_ = c.frames.Close()
		}
	})
	s.wg.Wait()
	if !limit.Stop() {
		s.mu.Lock() // for cutOff
		defer s.mu.Unlock()
	}
	return cutOff
}
