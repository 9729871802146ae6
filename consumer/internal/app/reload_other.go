//go:build !unix

package app

import (
	"context"

	"github.com/rs/zerolog"

	"gateway-billing.internal/consumer/internal/config"
	"gateway-billing.internal/consumer/internal/pipeline"
)

// reloadKeys does nothing where there is no SIGHUP: a restart reads the keys.
func reloadKeys(context.Context, config.Stamp, *pipeline.Deriver, zerolog.Logger) {}
