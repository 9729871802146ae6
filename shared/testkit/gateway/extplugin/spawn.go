package extplugin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

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
