package app

import (
	"github.com/rs/zerolog"

	"gateway-billing.internal/consumer/internal/config"
	"gateway-billing.internal/consumer/internal/ledger"
)

// OpenLedger opens the ledger with all that decides what is written, for a command that works beside run. It needs the
// parts mysql, batch and idempotency of the configuration.
func OpenLedger(cfg config.Config) (*ledger.Store, error) {
	options := ledgerOptions(cfg, zerolog.Nop(), nil)
	options.Observer = nil // its transactions are no part of run's metrics
	return ledger.Open(options)
}
