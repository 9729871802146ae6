package app

import (
	"context"
	"errors"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/rs/zerolog"

	"gateway-billing.internal/consumer/internal/config"
	"gateway-billing.internal/consumer/internal/ops"
)

// Serve serves the HTTP API alone, beside any number of consumers, until ctx is done. The error is as in Run.
func Serve(ctx context.Context, cfg config.Config, log zerolog.Logger) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	limitMemory(cfg.MemoryMiB)
	registry := prometheus.NewRegistry()
	ops.RegisterBuild(registry)
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	deriver, err := NewDeriver(cfg)
	if err != nil {
		return err
	}
	served, err := listenAPI(cfg, deriver, registry, log)
	if err != nil {
		return err
	}
	ready := newReadiness(served.store, nil)
	server, err := ops.Listen(cfg.HTTP.Listen, registry, ready.reasons, log)
	if err != nil {
		return errors.Join(err, served.store.Close())
	}
	log.Info().Str("address", server.Address()).Msg("serving /healthz, /readyz and /metrics")

	var parts sync.WaitGroup
	defer parts.Wait()
	for _, serve := range []func(context.Context) error{server.Serve, served.serve} {
		parts.Go(func() {
			if err := serve(ctx); err != nil {
				cancel(err)
			}
		})
	}
	parts.Go(func() { ready.watch(ctx) })
	parts.Go(func() { reloadKeys(ctx, cfg.Stamp, deriver, log) })
	parts.Go(func() { served.reload(ctx) })
	if err := waitForSchema(ctx, served.store, ready, log); err != nil {
		cancel(err)
		return err
	}
	// Without it the feed would stand still where no consumer runs.
	parts.Go(func() { numberChanges(ctx, served.store, log) })
	<-ctx.Done()
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	log.Info().Msg("stopped")
	return nil
}
