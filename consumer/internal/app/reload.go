package app

import (
	"context"
	"slices"

	"github.com/rs/zerolog"

	"gateway-billing.internal/consumer/internal/config"
	"gateway-billing.internal/consumer/internal/pipeline"
)

// reloadKeys reads the stamp keys again at each SIGHUP, until ctx ends, so that keys rotate without a restart. Keys that
// can't be read change nothing.
func reloadKeys(ctx context.Context, cfg config.Stamp, deriver *pipeline.Deriver, log zerolog.Logger) {
	known := deriver.Keys.IDs()
	atHangup(ctx, func() {
		keys, err := cfg.KeySet()
		if err != nil {
			log.Error().Err(err).Msg("stamp keys: the new ones can't be read; the old ones stay")
			return
		}
		now := keys.IDs()
		for _, id := range known {
			if !slices.Contains(now, id) {
				log.Warn().Str("key", id).
					Msg("stamp keys: one is gone, so its stamps are not believed any more; retire keys, and keep them")
			}
		}
		deriver.ReplaceKeys(keys)
		known = now
		log.Info().Strs("keys", now).Msg("stamp keys: read again")
	})
}
