package stack

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"time"

	"gateway-billing.internal/shared/testkit/internal/process"
)

const (
	// startLimit is how long a server may take until it is ready: seconds, more on a machine that is busy.
	startLimit = 3 * time.Minute
	// stopLimit is how long a server may take to end by itself. A broker needs about 12 s.
	stopLimit = 30 * time.Second
	// readyTick is how often a starting server is asked whether it is ready.
	readyTick = 50 * time.Millisecond
)

// Server is one server: a private process that can be started and hurt, or one from outside that can only be used.
// A private one keeps its address and its data when it is started again.
type Server struct {
	name string
	addr string
	// external says where a server from outside was named, such as a variable; "" for a private one.
	external string
	command  func() *exec.Cmd
	ready    func(ctx context.Context) error
	log      string

	mu   sync.Mutex
	proc *process.Process
}

// Addr is host:port, for the name server of an external RocketMQ host:port[;host:port].
func (s *Server) Addr() string { return s.addr }

// PID is the process ID of a private server that runs, else 0.
func (s *Server) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.alive() {
		return 0
	}
	return s.proc.PID()
}

// alive needs s.mu.
func (s *Server) alive() bool {
	if s.proc == nil {
		return false
	}
	select {
	case <-s.proc.Done():
		return false
	default:
		return true
	}
}

// Start starts the server and returns when it is ready. Where it fails nothing is left running, and the error holds the
// last lines of the server's log.
func (s *Server) Start(ctx context.Context) error {
	if err := s.private("start"); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.alive() {
		return fmt.Errorf("the %s runs already", s.name)
	}
	proc, err := process.Start(s.command(), s.log)
	if err != nil {
		return fmt.Errorf("start the %s: %w", s.name, err)
	}
	if err := s.awaitReady(ctx, proc); err != nil {
		return errors.Join(fmt.Errorf("start the %s: %w\n%s", s.name, err, s.lastLines()), proc.Kill())
	}
	s.proc = proc
	return nil
}

func (s *Server) awaitReady(ctx context.Context, proc *process.Process) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	tick := time.NewTicker(readyTick)
	defer tick.Stop()
	for {
		notReady := s.ready(ctx)
		if notReady == nil {
			return nil
		}
		select {
		case <-proc.Done():
			return fmt.Errorf("it ended: %w", errors.Join(errEnded, proc.Err()))
		case <-ctx.Done():
			return fmt.Errorf("it is not ready: %w (%w)", notReady, context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// errEnded: the process ended before it was ready.
var errEnded = errors.New("ended before it was ready")

// Stop ends the server in order (SIGTERM, after half a minute SIGKILL) and keeps its data. A broker takes about 12 s.
func (s *Server) Stop() error {
	return s.running("stop", func(p *process.Process) error { return p.Stop(stopLimit) })
}

// Kill ends the server at once (SIGKILL) and keeps its data.
func (s *Server) Kill() error { return s.running("kill", (*process.Process).Kill) }

// Pause halts the server (SIGSTOP): connections stay open and nobody answers.
func (s *Server) Pause() error { return s.running("pause", (*process.Process).Pause) }

// Resume lets a paused server go on (SIGCONT).
func (s *Server) Resume() error { return s.running("resume", (*process.Process).Resume) }

func (s *Server) running(what string, do func(*process.Process) error) error {
	if err := s.private(what); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.alive() {
		return fmt.Errorf("%s the %s: it does not run", what, s.name)
	}
	if err := do(s.proc); err != nil {
		return fmt.Errorf("%s the %s: %w", what, s.name, err)
	}
	return nil
}

func (s *Server) private(what string) error {
	if s.external != "" {
		return fmt.Errorf("can't %s the %s: it does not belong to this process but comes from %s", what, s.name, s.external)
	}
	return nil
}

// dead says that a private server does not run.
func (s *Server) dead() bool { return s.external == "" && s.PID() == 0 }

// discard ends the server at once; its data is not needed any more.
func (s *Server) discard() error {
	if s.external != "" || s.dead() {
		return nil
	}
	return s.Kill()
}

// lastLines of the server's log, without what RocketMQ's logging says about itself and where in Java an error came from.
func (s *Server) lastLines() string {
	return process.Tail(s.log, 15, func(line string) bool {
		return strings.Contains(line, "|-INFO in ") || strings.Contains(line, "|-WARN in ") || strings.HasPrefix(line, "\tat ")
	})
}
