package app

import (
	"context"
	"time"

	"github.com/rs/zerolog"

	"gateway-billing.internal/consumer/internal/ledger"
)

// foldUsageInterval is how often usage deltas are folded. Between, a query adds more rows; the sums are the same.
const foldUsageInterval = 2 * time.Second

// foldUsage folds usage deltas into the sums of their hours until ctx ends. Whatever fails is tried again at the next time;
// the flow itself does not depend on it.
func foldUsage(ctx context.Context, store *ledger.Store, log zerolog.Logger) {
	failed := false
	for wait(ctx, jittered(foldUsageInterval)) {
		_, err := store.FoldUsage(ctx)
		if err != nil && !failed && ctx.Err() == nil {
			log.Warn().Err(err).Msg("usage can't be folded now; trying again")
		}
		failed = err != nil
	}
}
