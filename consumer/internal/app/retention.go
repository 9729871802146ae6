package app

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/rs/zerolog"

	"gateway-billing.internal/consumer/internal/config"
	"gateway-billing.internal/consumer/internal/ledger"
)

// retentionInterval is how often run looks for what has become old enough to be pruned.
const retentionInterval = time.Hour

// retain prunes what the configuration gives an age, until ctx ends. The members of a group may all do so at once.
// Whatever fails is tried again at the next time; the flow does not depend on it.
func retain(ctx context.Context, store *ledger.Store, cfg config.Retention, log zerolog.Logger) {
	if cfg == (config.Retention{}) {
		return
	}
	// Soon after the start at first.
	for next := rand.N(5 * time.Second); wait(ctx, next); next = jittered(retentionInterval) { //nolint:gosec // jitter is no secret
		pruned, err := Prune(ctx, store, cfg, time.Now(), func(int64) {})
		if err != nil && ctx.Err() == nil {
			log.Warn().Err(err).Msg("what is old enough can't be pruned now; trying again later")
		}
		if pruned != (Pruned{}) {
			log.Info().Int64("bodies", pruned.Bodies).Int64("dead_letters", pruned.DeadLetters).Msg("pruned")
		}
	}
}

// Pruned counts what went.
type Pruned struct {
	// Bodies of records were emptied, DeadLetters deleted.
	Bodies, DeadLetters int64
}

// Prune prunes by age at once. What failed and what went before are both in its results.
func Prune(ctx context.Context, store *ledger.Store, cfg config.Retention, now time.Time, progress ledger.Progress) (done Pruned, err error) {
	if cfg.Bodies > 0 {
		var failed error
		done.Bodies, failed = store.PruneBodies(ctx, now.Add(-time.Duration(cfg.Bodies)), progress)
		err = errors.Join(err, failed)
	}
	if cfg.DeadLetters > 0 {
		var failed error
		done.DeadLetters, failed = store.PruneDeadLetters(ctx, now.Add(-time.Duration(cfg.DeadLetters)), progress)
		err = errors.Join(err, failed)
	}
	return done, err
}
