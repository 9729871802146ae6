package stack

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"gateway-billing.internal/shared/testkit/stack/internal/artifact"
)

// Stack is a RocketMQ and a database.
type Stack struct {
	RocketMQ *RocketMQ
	Database *Database

	dir    string // of the private servers
	unlock func()
}

// Environ are the variables that make another process use this stack (name=value).
func (s *Stack) Environ() []string {
	environ := []string{NameServerEnv + "=" + s.RocketMQ.NameServer.addr, DatabaseEnv + "=" + s.Database.DSN("")}
	if s.Database.client != "" {
		environ = append(environ, ClientEnv+"="+s.Database.client)
	}
	return environ
}

// Options are what a private stack may differ in. The zero value is what tests and the demo take.
type Options struct {
	RocketMQ RocketMQOptions
	// Database is the kind of the private database; empty for what the environment says, else MariaDB.
	Database Kind
	// DatabaseArgs are further arguments of the database server; they win over the package's own.
	DatabaseArgs []string
}

// Prepare installs and downloads what a private stack needs, except for parts that the environment brings, and starts
// nothing. What is there already is left alone.
func Prepare(ctx context.Context) error {
	cache, err := artifact.Open(pom)
	if err != nil {
		return err
	}
	var rocketMQ, database error
	if os.Getenv(NameServerEnv) == "" {
		_, rocketMQ = prepareRocketMQ(ctx, cache)
	}
	if os.Getenv(DatabaseEnv) == "" {
		_, database = prepareDatabase(ctx, cache, "")
	}
	return errors.Join(rocketMQ, database)
}

// Start starts a private stack, or takes the parts that the environment brings, and returns when all is ready. Where it
// fails it leaves nothing behind.
func Start(ctx context.Context, options Options) (*Stack, error) {
	s := &Stack{}
	err := s.makeDir()
	if err == nil {
		err = together(ctx,
			func(ctx context.Context) (err error) {
				s.RocketMQ, err = s.startRocketMQ(ctx, options.RocketMQ)
				return err
			},
			func(ctx context.Context) (err error) {
				s.Database, err = s.startDatabase(ctx, options.Database, options.DatabaseArgs)
				return err
			},
		)
	}
	if err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// StartPrivate is Start for what hurts its servers: it takes none from the environment.
func StartPrivate(ctx context.Context, options Options) (*Stack, error) {
	s := &Stack{}
	err := s.makeDir()
	if err == nil {
		err = together(ctx,
			func(ctx context.Context) (err error) {
				s.RocketMQ, err = s.startPrivateRocketMQ(ctx, options.RocketMQ)
				return err
			},
			func(ctx context.Context) (err error) {
				s.Database, err = s.startPrivateDatabase(ctx, options.Database, options.DatabaseArgs)
				return err
			},
		)
	}
	if err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

func (s *Stack) startRocketMQ(ctx context.Context, options RocketMQOptions) (*RocketMQ, error) {
	if addrs := os.Getenv(NameServerEnv); addrs != "" {
		return externalRocketMQ(ctx, addrs, NameServerEnv)
	}
	return s.startPrivateRocketMQ(ctx, options)
}

func (s *Stack) startPrivateRocketMQ(ctx context.Context, options RocketMQOptions) (*RocketMQ, error) {
	cache, err := artifact.Open(pom)
	if err != nil {
		return nil, err
	}
	return newRocketMQ(ctx, cache, filepath.Join(s.dir, "rocketmq"), options)
}

func (s *Stack) startDatabase(ctx context.Context, kind Kind, args []string) (*Database, error) {
	if dsn := os.Getenv(DatabaseEnv); dsn != "" {
		return externalDatabase(ctx, dsn, DatabaseEnv)
	}
	return s.startPrivateDatabase(ctx, kind, args)
}

func (s *Stack) startPrivateDatabase(ctx context.Context, kind Kind, args []string) (*Database, error) {
	cache, err := artifact.Open(pom)
	if err != nil {
		return nil, err
	}
	return newDatabase(ctx, cache, filepath.Join(s.dir, "database"), kind, args)
}

// Stop ends the private servers and removes their data. They are killed: nothing of theirs is needed any more, and a
// broker would take 12 s to end in order. Stop may be called again.
func (s *Stack) Stop() error {
	var errs []error
	if s.RocketMQ != nil {
		errs = append(errs, s.RocketMQ.discard())
	}
	if s.Database != nil {
		errs = append(errs, s.Database.discard())
	}
	return errors.Join(append(errs, s.removeDir())...)
}
