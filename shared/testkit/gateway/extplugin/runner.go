package extplugin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
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
func (r *Runner) Kill() error {
	r.mu.Lock()
	exited := r.exited
	r.mu.Unlock()
	if err := r.Signal(syscall.SIGKILL); err != nil {
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

func end(process *os.Process, exited <-chan struct{}) error {
	if err := process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop the runner: %w", err)
	}
	select {
	case <-exited:
		return nil
	case <-time.After(stopGrace):
	}
	if err := process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop the runner: %w", err)
	}
	<-exited
	return nil
}

// spawn starts the process; r.mu is held.
func (r *Runner) spawn() error {
	if r.cmd != nil {
		return errors.New("runner: already running")
	}
	if r.stopping {
		return errors.New("runner: stopped")
	}
	// Without a context: the runner outlives the call that starts it.
	cmd := exec.Command(r.config.Command[0], r.config.Command[1:]...)
	cmd.Env = append(os.Environ(), r.config.Env...)
	cmd.Env = append(cmd.Env,
		"APISIX_LISTEN_ADDRESS=unix:"+r.socket,
		"APISIX_CONF_EXPIRE_TIME="+strconv.Itoa(int(r.config.ConfExpire.Seconds())))
	cmd.Stdout, cmd.Stderr = r.config.Output, r.config.Output
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the runner: %w", err)
	}
	r.cmd, r.exited = cmd, make(chan struct{})
	go r.watch(cmd, r.exited)
	return nil
}

// watch waits for the process, drops what its end makes stale, and starts it again after the delay.
func (r *Runner) watch(cmd *exec.Cmd, exited chan struct{}) {
	_ = cmd.Wait() // how it ended makes no difference to the gateway
	r.Forget()
	r.mu.Lock()
	defer r.mu.Unlock()
	defer close(exited)
	r.cmd = nil
	if r.config.Respawn > 0 && !r.stopping {
		r.respawn = time.AfterFunc(r.config.Respawn, func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			_ = r.spawn() // fails only where the runner was stopped or started meanwhile
		})
	}
}

func (r *Runner) waitReady(ctx context.Context, exited <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "unix", r.socket)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-tick.C:
		case <-exited:
			return errors.New("start the runner: it exited before its socket answered")
		case <-ctx.Done():
			return fmt.Errorf("start the runner: its socket does not answer: %w", err)
		}
	}
}
