package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/go-sql-driver/mysql"

	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/shared/testkit/chaos/faults"
	"gateway-billing.internal/shared/testkit/chaos/fleet"
	"gateway-billing.internal/shared/testkit/chaos/proxies"
	"gateway-billing.internal/shared/testkit/chaos/taker"
	"gateway-billing.internal/shared/testkit/chaos/traffic"
	"gateway-billing.internal/shared/testkit/chaos/truth"
	"gateway-billing.internal/shared/testkit/gateway"
	"gateway-billing.internal/shared/testkit/gateway/extplugin"
	"gateway-billing.internal/shared/testkit/gateway/rocketlog"
	"gateway-billing.internal/shared/testkit/internal/teardown"
	"gateway-billing.internal/shared/testkit/programs"
	"gateway-billing.internal/shared/testkit/stack"
)

// The names of a run's own, private servers.
const (
	topic, group, database = "chaos", "chaos", "chaos"
	queues                 = 6
)

// parts are everything that runs, and how to end it.
type parts struct {
	dir string // of logs and binaries
	// consumer is the binary and config its configuration.
	consumer, config string
	servers          *stack.Stack
	admin            *sql.DB
	proxy            *proxies.Proxy
	runner           *extplugin.Runner
	gateway          *gateway.Gateway
	fleet            *fleet.Fleet
	api              *fleet.Fleet
	book             *truth.Book
	taker            *taker.Taker
	client           *taker.Client
	token            string // for the HTTP API
	clients          *traffic.Clients
	keys             *billingkey.KeySet

	teardown.List
}

// startParts starts everything, in the order of the flow; no consumer runs yet.
func startParts(ctx context.Context, o options) (_ *parts, err error) {
	p := &parts{book: truth.NewBook()}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Stop())
		}
	}()
	if err := os.MkdirAll(o.logs, 0o700); err != nil {
		return nil, err
	}
	if p.dir, err = os.MkdirTemp(o.logs, fmt.Sprintf("seed-%d-", o.seed)); err != nil {
		return nil, err
	}
	// Copies of its own, so that another run may build meanwhile.
	runner, consumer := filepath.Join(p.dir, "billing-runner"), filepath.Join(p.dir, "billing-consumer")
	if err := errors.Join(copyBinary(o.runner, runner), copyBinary(o.consumer, consumer)); err != nil {
		return nil, fmt.Errorf("%w: build it first, `make chaos` does", err)
	}
	if p.clients, err = traffic.NewClients(o.seed, o.profile, p.book); err != nil {
		return nil, err
	}
	secret := traffic.KeyID + ":" + base64.StdEncoding.EncodeToString([]byte(rand.Text()+rand.Text()))
	if p.keys, err = billingkey.ParseKeys(secret); err != nil {
		return nil, err
	}
	if err := p.startServers(ctx, o); err != nil {
		return nil, err
	}
	if err := p.prepareConsumers(ctx, consumer, secret); err != nil {
		return nil, err
	}
	return p, p.startGateway(ctx, o, runner, secret)
}

// startServers starts a RocketMQ and a database of this run's own.
func (p *parts) startServers(ctx context.Context, o options) (err error) {
	faults.PrepareDisk()
	p.servers, err = stack.StartPrivate(ctx, stack.Options{Database: stack.Kind(o.database), DatabaseArgs: []string{
		"--innodb-lock-wait-timeout=1", // so that lock wait timeouts happen too
		// So that the ledger's file is soon the largest ("disk full"); not every server has this setting.
		"--loose-innodb-log-file-size=4M",
	}})
	if err != nil {
		return err
	}
	p.Ending(p.servers.Stop)
	mq, db := p.servers.RocketMQ, p.servers.Database
	if err := mq.CreateTopic(ctx, topic, queues, stack.ReadWrite); err != nil {
		return err
	}
	if err := mq.CreateGroup(ctx, group); err != nil {
		return err
	}
	dsn, err := db.CreateDatabase(ctx, database)
	if err != nil {
		return err
	}
	if p.admin, err = sql.Open("mysql", dsn); err != nil {
		return err
	}
	p.Ending(p.admin.Close)
	if p.proxy, err = proxies.Start(db.Addr()); err != nil {
		return err
	}
	p.Ending(p.proxy.Close)
	return nil
}

// prepareConsumers migrates the database and gives the consumers a user without the right to write a read-only server,
// and the way through the proxy.
func (p *parts) prepareConsumers(ctx context.Context, binary, secret string) error {
	file := filepath.Join(p.dir, "consumer.yaml")
	p.consumer, p.config = binary, file
	config := programs.ConsumerConfig{
		NameServers: p.servers.RocketMQ.NameServers(), Topic: topic, Group: group, DSN: p.servers.Database.DSN(database),
	}
	if err := config.Write(file); err != nil {
		return err
	}
	if err := programs.Migrate(ctx, binary, file); err != nil {
		return err
	}
	dsn, err := mysql.ParseDSN(config.DSN)
	if err != nil {
		return err
	}
	dsn.User, dsn.Passwd, dsn.Addr = "consumer", rand.Text(), p.proxy.Addr()
	for _, statement := range []string{
		"CREATE USER consumer@'127.0.0.1' IDENTIFIED BY '" + dsn.Passwd + "'",
		"GRANT SELECT, INSERT, UPDATE, DELETE ON `" + database + "`.* TO consumer@'127.0.0.1'",
	} {
		if _, err := p.admin.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("the consumers' user: %w", err)
		}
	}
	config.DSN = dsn.FormatDSN()
	if err := config.Write(file); err != nil {
		return err
	}
	secrets := []string{"BILLING_STAMP_KEYS=" + secret}
	p.fleet = fleet.New(fleet.Config{Binary: binary, ConfigFile: file, Logs: p.dir, Env: secrets})
	p.Ending(p.fleet.End)
	tokens := filepath.Join(p.dir, "tokens.yaml")
	if p.token, err = programs.NewToken(ctx, binary, tokens, "--name", "taker", "--scope", "usage:read,records:read"); err != nil {
		return err
	}
	p.api = fleet.New(fleet.Config{
		Binary: binary, ConfigFile: file, API: true, Logs: p.dir, Env: append(programs.ServeAPI(tokens), secrets...),
	})
	p.Ending(p.api.End)
	return p.api.Scale(1)
}

func (p *parts) startGateway(ctx context.Context, o options, binary, secret string) error {
	log, err := os.Create(filepath.Join(p.dir, "runner.log"))
	if err != nil {
		return err
	}
	p.Ending(log.Close)
	p.runner, err = extplugin.NewRunner(extplugin.RunnerConfig{
		Command: []string{binary},
		Env:     []string{"BILLING_STAMP_KEYS=" + secret, "BILLING_RUNNER_ID=chaos", "BILLING_RUNNER_LOG_LEVEL=error"},
		Output:  log,
		Respawn: extplugin.Respawn,
	})
	if err != nil {
		return err
	}
	p.Ending(p.runner.Stop)
	if err := p.runner.Start(ctx); err != nil {
		return err
	}
	producer, err := rocketlog.NewProducer(rocketlog.ProducerConfig{NameServers: p.servers.RocketMQ.NameServers()})
	if err != nil {
		return err
	}
	p.Ending(producer.Close)
	p.gateway, err = gateway.New(gateway.Config{
		Runner: p.runner, Sender: traffic.NewWire(o.seed, producer, p.book, topic), Metadata: traffic.Metadata(o.profile),
		Routes: traffic.Routes(topic, o.profile), Global: traffic.Global(topic), APIKeys: traffic.APIKeys,
		Observe: p.book.Observe,
	})
	// Whatever is still to be sent when a run fails is thrown away before the producer is closed.
	p.Ending(func() error { p.gateway.Discard(); return nil })
	return err
}

func copyBinary(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o700)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
