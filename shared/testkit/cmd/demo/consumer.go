package main

import (
	"context"
	"errors"
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

func (c *consumer) tokensFile() string { return filepath.Join(c.dir, "tokens.yaml") }

func (c *consumer) migrate(ctx context.Context) error {
	return programs.Migrate(ctx, c.binary, c.config())
}

// start starts it, with further variables.
func (c *consumer) start(env ...string) (err error) {
	c.process, err = programs.StartConsumer(c.binary, c.config(), c.logFile(), append(env, "BILLING_STAMP_KEYS="+c.stampKeys)...)
	return err
}

// newToken makes a token for the HTTP API.
func (c *consumer) newToken(ctx context.Context, args ...string) (string, error) {
	return programs.NewToken(ctx, c.binary, c.tokensFile(), args...)
}

// serveAPI starts what serves the HTTP API alone, and says where.
func (c *consumer) serveAPI(ctx context.Context) (serve *programs.Consumer, url string, err error) {
	env := append(programs.ServeAPI(c.tokensFile()), "BILLING_STAMP_KEYS="+c.stampKeys)
	if serve, err = programs.StartAPI(c.binary, c.config(), filepath.Join(c.dir, "serve.log"), env...); err != nil {
		return nil, "", err
	}
	if url, err = serve.API(ctx); err != nil {
		return nil, "", errors.Join(err, serve.Kill())
	}
	return serve, url, nil
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
