package app

import (
	"context"
	"time"

	"github.com/rs/zerolog"

	"gateway-billing.internal/consumer/internal/ledger"
)

// numberInterval is how often changes are numbered: how far those who follow the ledger are behind it.
const numberInterval = time.Second

// numberChanges numbers the changes of the ledger until ctx ends. Whatever fails is tried again at the next time; the flow
// itself does not depend on it.
func numberChanges(ctx context.Context, store *ledger.Store, log zerolog.Logger) {
	failed := false
	for wait(ctx, jittered(numberInterval)) {
		_, err := store.NumberChanges(ctx)
		if err != nil && !failed && ctx.Err() == nil {
			log.Warn().Err(err).Msg("changes of the ledger can't be numbered now; trying again")
		}
		failed = err != nil
	}
}
