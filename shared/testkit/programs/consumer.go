package programs

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"gateway-billing.internal/shared/testkit/internal/process"
)

// stopLimit is above the consumer's own drain limit.
const stopLimit = time.Minute

// Consumer is one process of billing-consumer, of `run` or of `serve`. It dies with this process, however that ends (Linux).
type Consumer struct {
	*process.Process
	logFile string
}

// StartConsumer starts the binary with a configuration file and further variables (name=value). Its log is appended to a
// file.
func StartConsumer(binary, config, logFile string, env ...string) (*Consumer, error) {
	return start("run", binary, config, logFile, env)
}

// StartAPI starts what serves the HTTP API alone, as StartConsumer does. See ServeAPI for its variables.
func StartAPI(binary, config, logFile string, env ...string) (*Consumer, error) {
	return start("serve", binary, config, logFile, env)
}

func start(command, binary, config, logFile string, env []string) (*Consumer, error) {
	// Without a context: the end of whoever started it is no reason to kill it without a drain.
	cmd := exec.Command(binary, command, "--config", config)
	cmd.Env = append(os.Environ(), env...)
	p, err := process.Start(cmd, logFile)
	if err != nil {
		return nil, fmt.Errorf("start billing-consumer %s: %w", command, err)
	}
	return &Consumer{p, logFile}, nil
}

// Drain is SIGTERM, and waits for the end. The error says that the process did not end well, or not by itself.
func (c *Consumer) Drain() error {
	err := c.Stop(stopLimit)
	if err == nil {
		err = c.Err()
	}
	if err != nil {
		return fmt.Errorf("billing-consumer after SIGTERM: %w\n%s", err, c.LastLog())
	}
	return nil
}

// EndedBy says whether a signal has ended the process.
func (c *Consumer) EndedBy(signal syscall.Signal) bool {
	select {
	case <-c.Done():
	default:
		return false
	}
	exit, ok := errors.AsType[*exec.ExitError](c.Err())
	if !ok {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == signal
}

// Check fails where the process has ended.
func (c *Consumer) Check() error {
	select {
	case <-c.Done():
		how := "exit status 0"
		if c.Err() != nil {
			how = c.Err().Error()
		}
		return fmt.Errorf("billing-consumer ended by itself: %s\n%s", how, c.LastLog())
	default:
		return nil
	}
}

// LastLog is the end of the log, for an error.
func (c *Consumer) LastLog() string { return process.Tail(c.logFile, 20, nil) }
