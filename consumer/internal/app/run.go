// Package app owns the wiring: which parts a command is made of, in the order of the flow, and their end in reverse.
package app

import (
	"context"
	"errors"

	"github.com/rs/zerolog"

	"gateway-billing.internal/consumer/internal/config"
)

// Run consumes until ctx is done, then drains. nil means that it drained.
func Run(_ context.Context, _ config.Config, _ zerolog.Logger) error {
	return errors.New("run: not wired")
}
