package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"gateway-billing.internal/consumer/internal/check"
	"gateway-billing.internal/consumer/internal/config"
	"gateway-billing.internal/consumer/internal/ledger"
)

// errSession: something between consumer and database changes the session, so that times or counts would be wrong without
// an error.
var errSession = errors.New("database: what the ledger sets is not in force")

// checkSession refuses a database in whose sessions the ledger would be wrong without an error. Whatever else keeps it from
// being asked heals or shows by itself.
func checkSession(ctx context.Context, cfg config.Config) error {
	facts, err := ledger.Examine(ctx, cfg.MySQL.DSN.Reveal(), false, cfg.MySQL.Options()...)
	if err != nil {
		return nil //nolint:nilerr // an outage, which the flow waits for
	}
	if problems := check.Session(facts); len(problems) > 0 {
		return fmt.Errorf("%w: %s", errSession, strings.Join(problems, "; "))
	}
	return nil
}

// checkLimit bounds the checks of the start.
const checkLimit = 40 * time.Second

// logChecks writes what `check` finds wrong into the log, once: a broker that skips messages for another member's tag, or a
// server that does not flush, shows nowhere else.
func logChecks(ctx context.Context, cfg config.Config, log zerolog.Logger) {
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	for _, line := range append(check.RocketMQ(ctx, cfg), check.Database(ctx, cfg)...) {
		level := zerolog.WarnLevel
		switch {
		case ctx.Err() != nil:
			return
		case line.Status == check.OK:
			continue
		case line.Status == check.Error:
			level = zerolog.ErrorLevel
		}
		log.WithLevel(level).Str("check", line.Check).Str("cure", line.Cure).Msg(line.Detail)
	}
}
