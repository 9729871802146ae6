// Package process owns one child process: it starts it so that it dies with this process, sends it signals, always
// reaps it, and keeps its output in a file.
package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"time"
)

// Process is a child that was started. All methods may be called from any goroutine.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error // of Wait; set before done is closed
}

// Start starts cmd with its output appended to the file logPath. The child gets SIGKILL when this process ends, however
// it ends (Linux; elsewhere a child of a killed parent lives on).
func Start(cmd *exec.Cmd, logPath string) (*Process, error) {
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	dieWithParent(cmd)

	p := &Process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The kernel takes the end of the thread that started a child for the end of its parent. This thread belongs to
		// this goroutine until the child is gone.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// PID is the child's process ID.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the child has ended and was reaped.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err says how the child ended: nil for exit code 0. Valid once Done is closed.
func (p *Process) Err() error { return p.err }

// Kill ends the child at once (SIGKILL) and waits until it is reaped.
func (p *Process) Kill() error {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.done
	return nil
}

// Stop asks the child to end (SIGTERM) and kills it when it has not within limit. It returns once the child is reaped.
func (p *Process) Stop(limit time.Duration) error {
	if err := terminate(p.cmd.Process); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return errors.Join(fmt.Errorf("ask pid %d to end: %w", p.PID(), err), p.Kill())
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.done:
		return nil
	case <-timer.C:
		return p.Kill()
	}
}

// Pause halts the child until Resume (SIGSTOP): its sockets stay open and nobody answers.
func (p *Process) Pause() error { return pause(p.cmd.Process) }

// Resume lets a paused child go on (SIGCONT).
func (p *Process) Resume() error { return resume(p.cmd.Process) }

// Terminate asks a process that need not be a child to end (SIGTERM).
func Terminate(pid int) error {
	p, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	return terminate(p)
}

// KillPID ends a process that need not be a child at once (SIGKILL). It is no error when it has ended already.
func KillPID(pid int) error {
	p, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	if err := p.Kill(); !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// Used is the CPU time that the child took, user and system. Valid once Done is closed.
func (p *Process) Used() time.Duration {
	return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
}
