package app

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/rs/zerolog"

	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/ops"
	"gateway-billing.internal/consumer/internal/source"
)

// pendingInterval is how often the dead letters that wait for a person are counted.
const pendingInterval = 10 * time.Second

// watch registers the metrics of states, and those that the client library has of every Go program. dlq may be nil.
func watch(registry *prometheus.Registry, ready *readiness, store *ledger.Store, messages, dlq *source.Source) {
	w := ops.Watched{
		Ready:    func() bool { return len(ready.reasons()) == 0 },
		Database: ready.databaseUp,
		Retrying: store.Retrying,
		Source:   messages.State,
	}
	if dlq != nil {
		w.DLQ = dlq.State
	}
	ops.Watch(registry, w)
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
}

// countPending counts the dead letters that wait for a person, until ctx ends.
func countPending(ctx context.Context, store *ledger.Store, metrics *ops.Metrics, log zerolog.Logger) {
	failed := false
	for next := time.Duration(0); wait(ctx, next); next = jittered(pendingInterval) {
		counts, err := store.PendingDeadLetters(ctx)
		if err == nil {
			metrics.DeadLettersPending(counts)
		} else if !failed && ctx.Err() == nil {
			log.Warn().Err(err).Msg("the pending dead letters can't be counted now; trying again")
		}
		failed = err != nil
	}
}
