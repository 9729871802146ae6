package extplugin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Respawn is how long APISIX waits before it starts a runner again that exited.
const Respawn = 3 * time.Second

// stopGrace is how long APISIX gives a runner to exit after SIGTERM.
const stopGrace = time.Second

// readyTimeout bounds the wait for a started runner's socket.
const readyTimeout = 15 * time.Second

// RunnerConfig says how to start a runner.
type RunnerConfig struct {
	// Command is the runner's binary and its arguments.
	Command []string
	// Env is added to this process's environment: KEY=value.
	Env []string
	// Output takes what the runner prints, nil throws it away. A writer that is no *os.File must cope with a runner that
	// is gone while its output is still being read.
	Output io.Writer
	// ConfExpire is APISIX_CONF_EXPIRE_TIME; 0 means an hour, as in APISIX.
	ConfExpire time.Duration
	// Timeout bounds each step of a call; 0 means CallTimeout.
	Timeout time.Duration
	// Respawn is the delay before a runner that exited is started again; 0 leaves it down until Start.
	Respawn time.Duration
}

// Runner is a runner process and the client that calls it.
type Runner struct {
	*Client
	config RunnerConfig
	dir    string

	mu       sync.Mutex
	cmd      *exec.Cmd
	exited   chan struct{} // closed when cmd was waited for
	respawn  *time.Timer
	stopping bool
}

// NewRunner prepares a runner with a socket of its own in a temporary directory; Start starts it.
func NewRunner(config RunnerConfig) (*Runner, error) {
	dir, err := os.MkdirTemp("", "runner")
	if err != nil {
		return nil, fmt.Errorf("directory of the runner's socket: %w", err)
	}
	if config.ConfExpire == 0 {
		config.ConfExpire = time.Hour
	}
	if config.Timeout == 0 {
		config.Timeout = CallTimeout
	}
	client := NewClient(filepath.Join(dir, "runner.sock"), config.Timeout)
	return &Runner{Client: client, config: config, dir: dir}, nil
}

// Start starts the process and waits until its socket answers.
func (r *Runner) Start(ctx context.Context) error {
	r.mu.Lock()
	err := r.spawn()
	exited := r.exited
	r.mu.Unlock()
	if err != nil {
		return err
	}
	return r.waitReady(ctx, exited)
}

// Socket is the path of the runner's socket.
func (r *Runner) Socket() string { return r.socket }

// Pid is the number of the process that runs now, 0 where none does.
func (r *Runner) Pid() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cmd == nil {
		return 0
	}
	return r.cmd.Process.Pid
}

// Signal sends a signal to the process: SIGKILL, SIGSTOP, SIGCONT, ….
func (r *Runner) Signal(signal syscall.Signal) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cmd == nil {
		return errors.New("runner: not running")
	}
	return r.cmd.Process.Signal(signal)
}

// Kill kills the process and returns when it is gone. With Respawn set it comes back by itself.
func (r *Runner) Kill() error { return r.End(syscall.SIGKILL) }

// End sends a signal that ends the process and returns when it is gone. With Respawn set it comes back by itself.
func (r *Runner) End(signal syscall.Signal) error {
	r.mu.Lock()
	exited := r.exited
	r.mu.Unlock()
	if err := r.Signal(signal); err != nil {
		return err
	}
	<-exited
	return nil
}

// Stop ends the process as APISIX does at its own end (SIGTERM, one second, SIGKILL) and removes the socket's directory.
// The Runner is dead afterwards.
func (r *Runner) Stop() error {
	r.mu.Lock()
	r.stopping = true
	if r.respawn != nil {
		r.respawn.Stop()
	}
	cmd, exited := r.cmd, r.exited
	r.mu.Unlock()
	r.Close()
	if cmd != nil {
		if err := end(cmd.Process, exited); err != nil {
			return err
		}
	}
	return os.RemoveAll(r.dir)
}
