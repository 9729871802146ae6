package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"

	_ "github.com/go-sql-driver/mysql" // the driver of the demo's own SQL

	"gateway-billing.internal/shared/testkit/gateway"
	"gateway-billing.internal/shared/testkit/gateway/extplugin"
	"gateway-billing.internal/shared/testkit/gateway/rocketlog"
	"gateway-billing.internal/shared/testkit/internal/teardown"
	"gateway-billing.internal/shared/testkit/programs"
	"gateway-billing.internal/shared/testkit/stack"
)

const (
	queues    = 4
	allScopes = "usage:read,records:read,dead-letters:read,dead-letters:redrive,gaps:read"
)

// parts are everything that runs, and how to end it.
type parts struct {
	topic    string
	group    string
	database string
	servers  *stack.Stack
	db       *sql.DB
	producer *rocketlog.Producer
	gateway  *gateway.Gateway
	consumer *consumer
	tally    *tally
	thrice   *thrice
	// token lets its holder ask the HTTP API for everything, tokenOfOne for usage and records of one APISIX consumer.
	token, tokenOfOne string

	teardown.List
}

// startParts starts the servers, the runner, the gateway and the consumer, in the order of the flow.
func startParts(ctx context.Context, o options, s story) (_ *parts, err error) {
	p := &parts{tally: newTally(), thrice: &thrice{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Stop())
		}
	}()
	for _, binary := range []string{o.runner, o.consumer} {
		if _, err := os.Stat(binary); err != nil {
			return nil, fmt.Errorf("%w: build it first, `make demo` does", err)
		}
	}
	var random [36]byte
	rand.Read(random[:]) // never fails
	name, stampKeys := hex.EncodeToString(random[32:]), "demo:"+base64.StdEncoding.EncodeToString(random[:32])
	p.topic, p.group, p.database = "demo-"+name, "demo-"+name, "demo_"+name

	dir, err := os.MkdirTemp("", "demo")
	if err != nil {
		return nil, err
	}
	p.Ending(func() error { return os.RemoveAll(dir) })
	dsn, nameServers, err := p.startServers(ctx)
	if err != nil {
		return nil, err
	}
	s.tell("RocketMQ and MariaDB are ready")

	p.consumer = &consumer{binary: o.consumer, dir: dir, stampKeys: stampKeys}
	config := programs.ConsumerConfig{NameServers: nameServers, Topic: p.topic, Group: p.group, DSN: dsn}
	if err := config.Write(p.consumer.config()); err != nil {
		return nil, err
	}
	if err := p.consumer.migrate(ctx); err != nil {
		return nil, err
	}
	if p.token, err = p.consumer.newToken(ctx, "--name", "everything", "--scope", allScopes); err != nil {
		return nil, err
	}
	if p.tokenOfOne, err = p.consumer.newToken(ctx, "--name", shownConsumer, "--scope", "usage:read,records:read", "--consumer", shownConsumer); err != nil {
		return nil, err
	}
	var env []string
	if o.serve {
		env = programs.ServeAPI(p.consumer.tokensFile())
	}
	if err := p.consumer.start(env...); err != nil {
		return nil, err
	}
	p.Ending(p.consumer.stop)
	s.tell("the consumer runs, on a schema that it migrated itself")

	runner, err := extplugin.NewRunner(extplugin.RunnerConfig{
		Command: []string{o.runner},
		Env:     []string{"BILLING_STAMP_KEYS=" + stampKeys, "BILLING_RUNNER_LOG_LEVEL=error"},
		Output:  os.Stderr,
		Respawn: extplugin.Respawn,
	})
	if err != nil {
		return nil, err
	}
	p.Ending(runner.Stop)
	if err := runner.Start(ctx); err != nil {
		return nil, err
	}
	if p.producer, err = rocketlog.NewProducer(rocketlog.ProducerConfig{NameServers: nameServers}); err != nil {
		return nil, err
	}
	p.Ending(p.producer.Close)
	routes, global := bindings(p.topic)
	var sender rocketlog.Sender = p.producer
	if !o.serve {
		sender = rocketlog.Faults(p.thrice.counting(p.producer), p.thrice.decide)
	}
	p.gateway, err = gateway.New(gateway.Config{
		Runner: runner, Sender: sender,
		Metadata: rocketlog.Metadata{LogFormatExtra: rocketlog.BillingExtra()},
		Routes:   routes, Global: global, APIKeys: apiKeys, Observe: p.tally.observe,
	})
	if err != nil {
		return nil, err
	}
	s.tell("the gateway is up, billing-runner beside it")
	return p, nil
}

// startServers starts RocketMQ and the database, and makes the topic, the group and an empty database; what the
// environment brings from outside is left as it was.
func (p *parts) startServers(ctx context.Context) (dsn string, nameServers []string, err error) {
	if p.servers, err = stack.Start(ctx, stack.Options{}); err != nil {
		return "", nil, err
	}
	p.Ending(p.servers.Stop)
	ending := context.WithoutCancel(ctx)
	mq, db := p.servers.RocketMQ, p.servers.Database
	if err := mq.CreateTopic(ctx, p.topic, queues, stack.ReadWrite); err != nil {
		return "", nil, err
	}
	p.Ending(func() error { return mq.DeleteTopic(ending, p.topic) })
	if err := mq.CreateGroup(ctx, p.group); err != nil {
		return "", nil, err
	}
	p.Ending(func() error { return mq.DeleteGroup(ending, p.group) })
	if dsn, err = db.CreateDatabase(ctx, p.database); err != nil {
		return "", nil, err
	}
	p.Ending(func() error { return db.DropDatabase(ending, p.database) })
	if p.db, err = sql.Open("mysql", dsn); err != nil {
		return "", nil, fmt.Errorf("the demo's own connection: %w", err)
	}
	p.Ending(p.db.Close)
	return dsn, mq.NameServers(), nil
}
