package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// consumer runs the consumer's binary with a configuration file in dir.
type consumer struct {
	binary, dir  string
	topic, group string
	stampKeys    string
	cmd          *exec.Cmd
	exited       chan error
}

// configure writes the configuration file.
func (c *consumer) configure(nameServers []string, dsn string) error {
	config := fmt.Sprintf(`rocketmq:
  name_servers: [%s]
  topic: %s
  group: %s
mysql:
  dsn: %q
http:
  listen: 127.0.0.1:0
`, strings.Join(nameServers, ", "), c.topic, c.group, dsn)
	return os.WriteFile(c.config(), []byte(config), 0o600)
}

func (c *consumer) config() string { return filepath.Join(c.dir, "consumer.yaml") }

func (c *consumer) logFile() string { return filepath.Join(c.dir, "consumer.log") }

func (c *consumer) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.binary, append(args, "--config", c.config())...)
	cmd.Env = append(os.Environ(), "BILLING_STAMP_KEYS="+c.stampKeys)
	return cmd
}

// migrate brings the database's schema up to date.
func (c *consumer) migrate(ctx context.Context) error {
	if out, err := c.command(ctx, "migrate", "up").CombinedOutput(); err != nil {
		return fmt.Errorf("billing-consumer migrate up: %w\n%s", err, out)
	}
	return nil
}

// start starts `run`; its log goes to a file.
func (c *consumer) start() error {
	log, err := os.OpenFile(c.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	// Without the demo's context: the end of the demo is no reason to kill it without a drain.
	cmd := c.command(context.Background(), "run")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start billing-consumer: %w", err)
	}
	c.cmd, c.exited = cmd, make(chan error, 1)
	go func() { c.exited <- cmd.Wait() }()
	return nil
}

// kill is SIGKILL: no drain, no goodbye.
func (c *consumer) kill() error {
	if err := c.cmd.Process.Kill(); err != nil {
		return fmt.Errorf("kill billing-consumer: %w", err)
	}
	<-c.exited
	c.cmd = nil
	return nil
}

// stop is SIGTERM, and waits for the drain.
func (c *consumer) stop() error {
	if c.cmd == nil {
		return nil
	}
	cmd := c.cmd
	c.cmd = nil
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("SIGTERM for billing-consumer: %w", err)
	}
	select {
	case err := <-c.exited:
		if err != nil {
			return fmt.Errorf("billing-consumer after SIGTERM: %w\n%s", err, c.lastLog())
		}
		return nil
	case <-time.After(time.Minute):
		err := errors.New("billing-consumer did not stop within a minute of SIGTERM")
		if killErr := cmd.Process.Kill(); killErr != nil {
			return errors.Join(err, killErr)
		}
		<-c.exited
		return err
	}
}

// check fails where the process has ended by itself.
func (c *consumer) check() error {
	if c.cmd == nil {
		return nil
	}
	select {
	case err := <-c.exited:
		c.cmd = nil
		if err == nil {
			err = errors.New("exit status 0")
		}
		return fmt.Errorf("billing-consumer ended by itself: %w\n%s", err, c.lastLog())
	default:
		return nil
	}
}

// lastLog is the end of the consumer's log, for an error.
func (c *consumer) lastLog() string {
	log, err := os.ReadFile(c.logFile())
	if err != nil {
		return err.Error()
	}
	return string(log[max(0, len(log)-4000):])
}
