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

// errDatabase: with this database records would vanish, or be wrong, without an error.
var errDatabase = errors.New("database: records would be lost or wrong without an error")

// checkDatabase refuses a database with which the ledger would be wrong without an error: sessions whose settings something in
// between changes, tables that are not as the migrations make them (a second unique key swallows records). Whatever else
// keeps it from being asked heals or shows by itself.
func checkDatabase(ctx context.Context, cfg config.Config) error {
	facts, err := ledger.Examine(ctx, cfg.MySQL.DSN.Reveal(), false, cfg.MySQL.Options()...)
	if err != nil {
		return nil //nolint:nilerr // an outage, which the flow waits for
	}
	if problems := append(check.Session(facts), facts.Problems...); len(problems) > 0 {
		return fmt.Errorf("%w: %s", errDatabase, strings.Join(problems, "; "))
	}
	return nil
}

// checkLimit bounds the checks of each side at the start, for which the first message waits.
const checkLimit = 5 * time.Second

// logChecks writes what `check` finds wrong into the log, once: a broker that skips messages for another member's tag, or a
// server that does not flush, shows nowhere else. It comes before the group is joined, for of the members' subscriptions a
// broker knows the last one only.
func logChecks(ctx context.Context, cfg config.Config, log zerolog.Logger) {
	for _, look := range []func(context.Context, config.Config) []check.Line{check.RocketMQ, check.Database} {
		limited, cancel := context.WithTimeout(ctx, checkLimit)
		lines := look(limited, cfg)
		cancel()
		for _, line := range lines {
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
}
