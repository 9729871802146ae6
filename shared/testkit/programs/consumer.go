package programs

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// stopLimit is above the consumer's own drain limit.
const stopLimit = time.Minute

// Consumer is one process of `billing-consumer run`.
type Consumer struct {
	logFile string
	cmd     *exec.Cmd
	exited  chan struct{} // closed when the process was waited for
	err     error         // of the wait; read it behind exited
}

// StartConsumer starts the binary with a configuration file and further variables (name=value). Its log is appended to a
// file.
func StartConsumer(binary, config, logFile string, env ...string) (*Consumer, error) {
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	// Without a context: the end of whoever started it is no reason to kill it without a drain.
	cmd := exec.Command(binary, "run", "--config", config)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start billing-consumer: %w", err)
	}
	c := &Consumer{logFile: logFile, cmd: cmd, exited: make(chan struct{})}
	go func() {
		c.err = cmd.Wait()
		close(c.exited)
	}()
	return c, nil
}

// Signal sends a signal. A process that has ended is no error.
func (c *Consumer) Signal(signal syscall.Signal) error {
	if err := c.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("%s for billing-consumer: %w", signal, err)
	}
	return nil
}

// Kill is SIGKILL: no drain, no goodbye. It returns when the process is gone.
func (c *Consumer) Kill() error {
	err := c.Signal(syscall.SIGKILL)
	if err == nil {
		<-c.exited
	}
	return err
}

// Stop is SIGTERM, and waits for the drain. The error says that the process did not end well, or not by itself.
func (c *Consumer) Stop() error {
	if err := c.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	limit := time.NewTimer(stopLimit)
	defer limit.Stop()
	select {
	case <-c.exited:
		if c.err != nil {
			return fmt.Errorf("billing-consumer after SIGTERM: %w\n%s", c.err, c.LastLog())
		}
		return nil
	case <-limit.C:
		return errors.Join(fmt.Errorf("billing-consumer did not stop within %s of SIGTERM\n%s", stopLimit, c.LastLog()), c.Kill())
	}
}

// Exited is closed when the process has ended.
func (c *Consumer) Exited() <-chan struct{} { return c.exited }

// KilledBy says whether a signal has ended the process.
func (c *Consumer) KilledBy(signal syscall.Signal) bool {
	select {
	case <-c.exited:
		status, ok := c.cmd.ProcessState.Sys().(syscall.WaitStatus)
		return ok && status.Signaled() && status.Signal() == signal
	default:
		return false
	}
}

// Check fails where the process has ended.
func (c *Consumer) Check() error {
	select {
	case <-c.exited:
		return fmt.Errorf("billing-consumer ended by itself: %s\n%s", c.cmd.ProcessState, c.LastLog())
	default:
		return nil
	}
}

// LastLog is the end of the log, for an error.
func (c *Consumer) LastLog() string {
	log, err := os.ReadFile(c.logFile)
	if err != nil {
		return err.Error()
	}
	return string(log[max(0, len(log)-4000):])
}
