// Package app owns the wiring: which parts a command is made of, in the order of the flow, and their end in reverse.
package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"gateway-billing.internal/consumer/internal/config"
	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/ops"
	"gateway-billing.internal/consumer/internal/pipeline"
	"gateway-billing.internal/consumer/internal/source"
)

// What is kept of the drain limit for the ends behind the source's: of the writer, the HTTP server, the connections.
const (
	afterDrain = 3 * time.Second
	closeLimit = 2 * time.Second
)

// Run consumes until ctx is done, then drains; nil means that it did. A name server, broker or database that is away is
// waited for, at the start as later. The error is a configuration that can't work: a bad option, an address that is
// taken, a schema that is not this binary's.
func Run(ctx context.Context, cfg config.Config, log zerolog.Logger) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	limitMemory(cfg.MemoryMiB)
	registry := prometheus.NewRegistry()
	metrics := ops.NewMetrics(registry)

	deriver, err := NewDeriver(cfg)
	if err != nil {
		return err
	}
	store, err := ledger.Open(ledgerOptions(cfg, log, metrics))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()

	flow := &pipeline.Flow{Deriver: deriver, Observer: metrics}
	messages, err := source.New(sourceOptions(cfg), flow.Handle, log, metrics)
	if err != nil {
		return err
	}
	dlq, err := newDLQ(cfg, flow.Handle, log, metrics)
	if err != nil {
		return err
	}

	ready := newReadiness(store, messages)
	watch(registry, ready, store, messages, dlq)
	server, err := ops.Listen(cfg.HTTP.Listen, registry, ready.reasons, log)
	if err != nil {
		return err
	}
	if cfg.HTTP.Pprof {
		server.ServeProfiles()
	}
	log.Info().Str("address", server.Address()).Msg("serving /healthz, /readyz and /metrics")
	served, err := listenAPI(cfg, deriver, registry, log)
	if err != nil {
		return err
	}

	// What stands beside the flow outlives the drain: it shows the drain.
	beside, stopBeside := context.WithCancel(context.WithoutCancel(ctx))
	var parts sync.WaitGroup
	defer parts.Wait()
	defer stopBeside()
	parts.Go(func() {
		if err := server.Serve(beside); err != nil {
			cancel(err)
		}
	})
	parts.Go(func() { ready.watch(beside) })
	parts.Go(func() { reloadKeys(beside, cfg.Stamp, deriver, log) })
	if served != nil {
		parts.Go(func() {
			if err := served.serve(beside); err != nil {
				cancel(err)
			}
		})
		parts.Go(func() { served.reload(beside) })
	}

	if err := waitForSchema(ctx, store, ready, log); err != nil {
		return err
	}
	if err := checkDatabase(ctx, cfg); err != nil {
		return err
	}
	logChecks(ctx, cfg, log)
	parts.Go(func() { foldStamps(beside, store, metrics, log) })
	parts.Go(func() { countPending(beside, store, metrics, log) })
	parts.Go(func() { foldUsage(beside, store, log) })
	parts.Go(func() { numberChanges(beside, store, log) })
	parts.Go(func() { retain(beside, store, cfg.Retention, log) })
	writer := store.NewWriter()
	flow.Ledger = writer
	defer flow.Start()()
	err = errors.Join(runAll(ctx, messages, dlq)...)

	closing, done := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
	defer done()
	err = errors.Join(err, writer.Close(closing))
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		err = errors.Join(err, cause)
	}
	if err == nil {
		log.Info().Msg("drained")
	}
	return err
}

// waitForSchema waits until the database answers, and refuses a schema that is not this binary's. nil as well when ctx
// ends first: then there is nothing to consume.
func waitForSchema(ctx context.Context, store *ledger.Store, ready *readiness, log zerolog.Logger) error {
	defer ready.started()
	waiting := false
	for ctx.Err() == nil {
		err := store.Current(ctx)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, ledger.ErrSchema):
			return fmt.Errorf("database: %w", err)
		case !waiting && ctx.Err() == nil:
			log.Warn().Err(err).Msg("waiting for the database")
			waiting = true
		}
		wait(ctx, time.Second)
	}
	return nil
}

func ledgerOptions(cfg config.Config, log zerolog.Logger, metrics *ops.Metrics) ledger.Options {
	return ledger.Options{
		DSN:      cfg.MySQL.DSN.Reveal(),
		Connect:  cfg.MySQL.Options(),
		MaxConns: cfg.MySQL.MaxOpenConns,
		Writers:  cfg.MySQL.Writers,
		MaxRows:  cfg.Batch.MaxRows,
		MaxBytes: cfg.Batch.MaxBytes,
		Linger:   cfg.Batch.Linger,

		IdempotencyWindow: cfg.Idempotency.Window,
		AbsorbTokens:      cfg.Idempotency.AbsorbTokens,

		Logger:   log,
		Observer: metrics,
	}
}

func sourceOptions(cfg config.Config) source.Options {
	r := cfg.RocketMQ
	return source.Options{
		NameServers:    r.NameServers,
		Topic:          r.Topic,
		Tag:            r.Tag,
		Group:          r.Group,
		AccessKey:      r.AccessKey.Reveal(),
		SecretKey:      r.SecretKey.Reveal(),
		SecurityToken:  r.SecurityToken.Reveal(),
		Concurrency:    r.Concurrency,
		PullBatch:      r.PullBatch,
		QueueMessages:  r.QueueMessages,
		BufferMiB:      r.BufferMiB,
		Reconsume:      r.OnFailure == "reconsume",
		MaxReconsume:   r.MaxReconsumeTimes,
		Start:          start(r.Start),
		DrainLimit:     max(cfg.DrainLimit-afterDrain, cfg.DrainLimit/2),
		ConsumeTimeout: r.ConsumeTimeout,
	}
}

func start(s config.Start) source.Start {
	switch {
	case s.Last:
		return source.StartLast
	case s.At.IsZero():
		return source.StartFirst
	default:
		return source.StartAt(s.At)
	}
}
