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
	"path/filepath"
	"time"

	_ "github.com/go-sql-driver/mysql" // the driver of the check's own SQL

	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/shared/testkit/chaos/numbers"
	"gateway-billing.internal/shared/testkit/chaos/socket"
	"gateway-billing.internal/shared/testkit/gateway/extplugin"
	"gateway-billing.internal/shared/testkit/gateway/rocketlog"
	"gateway-billing.internal/shared/testkit/internal/teardown"
	"gateway-billing.internal/shared/testkit/programs"
	"gateway-billing.internal/shared/testkit/stack"
)

const (
	queues = 4
	// respawn is shorter than APISIX's, so that most of the storm has a runner.
	respawn = 200 * time.Millisecond
	// callTimeout is shorter than APISIX's: what is held or cut must not take the senders out for a minute.
	callTimeout = 2 * time.Second
)

// parts are everything that runs, and how to end it.
type parts struct {
	name     string // of topic, group and database
	dir      string
	config   string // of the consumer
	servers  *stack.Stack
	db       *sql.DB
	consumer *programs.Consumer
	producer *rocketlog.Producer
	runner   *extplugin.Runner
	log      string // the runner's
	ways     *socket.Ways
	book     *numbers.Book

	teardown.List
}

// startParts starts everything, in the order of the flow.
func startParts(ctx context.Context, o options) (_ *parts, err error) {
	random := make([]byte, 36)
	rand.Read(random) // never fails
	name, secret := "chaosrunner_"+hex.EncodeToString(random[32:]), "k:"+base64.StdEncoding.EncodeToString(random[:32])
	p := &parts{name: name}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Stop())
		}
	}()
	keys, err := billingkey.ParseKeys(secret)
	if err != nil {
		return nil, err
	}
	p.book = numbers.NewBook(keys)
	if p.dir, err = os.MkdirTemp("", "cr"); err != nil {
		return nil, err
	}
	p.Ending(func() error { return os.RemoveAll(p.dir) })
	if err := p.startServers(ctx); err != nil {
		return nil, err
	}
	config := programs.ConsumerConfig{
		NameServers: p.servers.RocketMQ.NameServers(), Topic: p.name, Group: p.name, DSN: p.servers.Database.DSN(p.name),
	}
	p.config = filepath.Join(p.dir, "consumer.yaml")
	if err := config.Write(p.config); err != nil {
		return nil, err
	}
	if err := programs.Migrate(ctx, o.consumer, p.config); err != nil {
		return nil, err
	}
	p.consumer, err = programs.StartConsumer(o.consumer, p.config, filepath.Join(p.dir, "consumer.log"), "BILLING_STAMP_KEYS="+secret)
	if err != nil {
		return nil, err
	}
	p.Ending(p.consumer.Drain)
	if p.producer, err = rocketlog.NewProducer(rocketlog.ProducerConfig{NameServers: p.servers.RocketMQ.NameServers()}); err != nil {
		return nil, err
	}
	p.Ending(p.producer.Close)
	return p, p.startRunner(ctx, o, secret)
}

// startServers takes the servers that the environment names, or starts its own.
func (p *parts) startServers(ctx context.Context) (err error) {
	if p.servers, err = stack.Start(ctx, stack.Options{}); err != nil {
		return err
	}
	p.Ending(p.servers.Stop)
	mq, db := p.servers.RocketMQ, p.servers.Database
	if err := mq.CreateTopic(ctx, p.name, queues, stack.ReadWrite); err != nil {
		return err
	}
	p.Ending(func() error { return mq.DeleteTopic(context.WithoutCancel(ctx), p.name) })
	if err := mq.CreateGroup(ctx, p.name); err != nil {
		return err
	}
	p.Ending(func() error { return mq.DeleteGroup(context.WithoutCancel(ctx), p.name) })
	dsn, err := db.CreateDatabase(ctx, p.name)
	if err != nil {
		return err
	}
	p.Ending(func() error { return db.DropDatabase(context.WithoutCancel(ctx), p.name) })
	if p.db, err = sql.Open("mysql", dsn); err != nil {
		return err
	}
	p.Ending(p.db.Close)
	return nil
}

func (p *parts) startRunner(ctx context.Context, o options, secret string) error {
	p.log = filepath.Join(p.dir, "runner.log")
	log, err := os.Create(p.log)
	if err != nil {
		return err
	}
	p.Ending(log.Close)
	p.runner, err = extplugin.NewRunner(extplugin.RunnerConfig{
		Command: []string{o.runner}, Output: log, Respawn: respawn, Timeout: callTimeout,
		Env: []string{"BILLING_STAMP_KEYS=" + secret, "BILLING_RUNNER_ID=chaos", "BILLING_RUNNER_METRICS=127.0.0.1:0"},
	})
	if err != nil {
		return err
	}
	p.Ending(p.runner.Stop)
	if err := p.runner.Start(ctx); err != nil {
		return err
	}
	if p.ways, err = socket.NewWays(p.runner.Client, p.runner.Socket(), p.dir, callTimeout); err != nil {
		return fmt.Errorf("ways to the runner: %w", err)
	}
	p.Ending(func() error { p.ways.Close(); return nil })
	return nil
}
