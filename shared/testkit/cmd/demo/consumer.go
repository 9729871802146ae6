package main

import (
	"context"
	"path/filepath"

	"gateway-billing.internal/shared/testkit/programs"
)

// consumer is the demo's one consumer: it is killed and started again with the same configuration and log.
type consumer struct {
	binary, dir string
	stampKeys   string
	process     *programs.Consumer // nil while none runs
}

func (c *consumer) config() string { return filepath.Join(c.dir, "consumer.yaml") }

func (c *consumer) logFile() string { return filepath.Join(c.dir, "consumer.log") }

func (c *consumer) migrate(ctx context.Context) error {
	return programs.Migrate(ctx, c.binary, c.config())
}

func (c *consumer) start() (err error) {
	c.process, err = programs.StartConsumer(c.binary, c.config(), c.logFile(), "BILLING_STAMP_KEYS="+c.stampKeys)
	return err
}

func (c *consumer) kill() error {
	process := c.process
	c.process = nil
	return process.Kill()
}

func (c *consumer) stop() error {
	process := c.process
	if c.process = nil; process == nil {
		return nil
	}
	return process.Drain()
}

// check fails where the process has ended by itself.
func (c *consumer) check() error {
	if c.process == nil {
		return nil
	}
	return c.process.Check()
}

func (c *consumer) lastLog() string {
	if c.process == nil {
		return ""
	}
	return c.process.LastLog()
}
