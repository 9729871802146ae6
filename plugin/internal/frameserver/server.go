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
	// Together are two questions of a request to the gateway, as whole frames: who asks the first will ask the second, so both
	// are sent at once. Empty for none.
	Together [2][]byte
	// Grace is how long everything goes on after the end was asked for, and Drain how long after that what is under way.
	Grace, Drain time.Duration
	Metrics      *runnermetrics.Metrics
	Log          zerolog.Logger
}

// Server serves the connections of one listener.
type Server struct {
	Options
	cut, failed, panicked, accepting *quietlog.Line

	wg    sync.WaitGroup
	mu    sync.Mutex
	conns map[*connection]struct{}
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
	c := &connection{server: s, frames: newFrames(conn, s.Together)}
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
	over := make(chan struct{})
	go func() {
		s.wg.Wait()
		close(over)
	}()
	limit := time.NewTimer(s.Drain)
	defer limit.Stop()
	select {
	case <-over:
	case <-limit.C:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_ = c.frames.Close()
	}
	return len(s.conns)
}
