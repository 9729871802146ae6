package app

import (
	"gateway-billing.internal/consumer/internal/config"
	"gateway-billing.internal/consumer/internal/identity"
	"gateway-billing.internal/consumer/internal/pipeline"
)

// NewDeriver makes what turns message bodies into records: the same for run and inspect.
func NewDeriver(cfg config.Config) (*pipeline.Deriver, error) {
	keys, err := cfg.Stamp.KeySet()
	if err != nil {
		return nil, err
	}
	changes, err := identity.ParseChanges(cfg.Stamp.Rules)
	if err != nil {
		return nil, err
	}
	return &pipeline.Deriver{
		Keys: keys,
		Rules: identity.Rules{
			AllowUnsealed: cfg.Stamp.AllowUnsealed, Tolerance: cfg.Stamp.Tolerance, Changes: changes,
		},
		Body:   cfg.Body.Redactor(),
		Policy: cfg.Routes.Policy(),
	}, nil
}
