package app

import (
	"context"
	"time"

	"github.com/rs/zerolog"

	"gateway-billing.internal/consumer/internal/gaps"
	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/ops"
)

const (
	// foldInterval is how often the stamp numbers that arrived are folded. Between, they are only more rows.
	foldInterval = 30 * time.Second
	// firstFold is how soon after the start the metric is there: until then nobody sees what goes missing.
	firstFold = 2 * time.Second
	// foldAll is after how many rounds all runs are folded: a transaction that began early may have committed late, with
	// lower ids than those that were known.
	foldAll = 20
	// gapsSettle is how long a number may be late before the metric counts it as missing: longer than any logger waits.
	gapsSettle = 10 * time.Minute
)

// foldStamps folds the stamp numbers and counts what is missing, until ctx ends. Whatever fails is tried again at the
// next time; the flow itself does not depend on it.
func foldStamps(ctx context.Context, store *ledger.Store, metrics *ops.Metrics, log zerolog.Logger) {
	behind := int64(0)
	failed := false
	next := jittered(firstFold)
	for round := 0; wait(ctx, next); round++ {
		next = jittered(foldInterval)
		if round%foldAll == 0 {
			behind = 0
		}
		var err error
		if behind, err = store.FoldStamps(ctx, behind); err == nil {
			err = countGaps(ctx, store, metrics)
		}
		if err != nil && !failed && ctx.Err() == nil {
			log.Warn().Err(err).Msg("the stamp numbers that arrived can't be folded now; trying again")
		}
		failed = err != nil
	}
}

func countGaps(ctx context.Context, store *ledger.Store, metrics *ops.Metrics) error {
	seen, err := store.StampsSeen(ctx)
	if err != nil {
		return err
	}
	missing := uint64(0)
	for _, run := range gaps.Find(seen, gapsSettle) {
		missing += run.Missing
	}
	metrics.StampsMissing(missing)
	return nil
}
