package cli

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"gateway-billing.internal/consumer/internal/app"
	"gateway-billing.internal/consumer/internal/config"
	"gateway-billing.internal/consumer/internal/ledger"
)

func newPrune(environ []string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "prune",
		Short: "Take away what has become old: bodies, settled dead letters, records",
		Long: `Empty the bodies of records, delete dead letters that were redriven or discarded, and delete
records, each when it is older than an AGE such as 30d. Without a flag, bodies and dead letters go
by retention.bodies and retention.dead_letters of the configuration, as in run. It works in small
pieces beside running consumers, and goes on where an earlier one was interrupted.

--ledger deletes records for good. It first stores a horizon: a log entry of a request from before
it, a copy of a record or not, is rejected from then on (dead letter before_horizon), since nobody
can tell any more whether it is billed. So take an AGE beyond all that may be replayed or disputed,
and export first what must be kept. Sums by hour stay. While dead letters that are pending are
older, it refuses.

Only the parts mysql, retention and idempotency of the configuration are needed. The user of the
database needs DELETE on dead_letter, dead_letter_audit, dead_letter_origin and
dead_letter_occurrence, for --ledger also on mq_consume_log and idempotency_claim.`,
	}
	path := configFlag(cmd)
	var bodies, deadLetters, records config.Age
	cmd.Flags().Var(&bodies, "bodies", "empty the bodies of records written longer ago than `AGE`")
	cmd.Flags().Var(&deadLetters, "dead-letters", "delete dead letters settled longer ago than `AGE`")
	cmd.Flags().Var(&records, "ledger", "delete records of requests longer ago than `AGE`, at least 2d")
	dryRun := cmd.Flags().Bool("dry-run", false, "with --ledger: count the records, change nothing")
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if err := cobra.NoArgs(cmd, args); err != nil {
			return err
		}
		for _, flag := range []string{"bodies", "dead-letters", "ledger"} {
			if cmd.Flags().Changed(flag) && cmd.Flags().Lookup(flag).Value.String() == "never" {
				return fmt.Errorf("--%s must be an age such as 30d", flag)
			}
		}
		for flag, age := range map[string]config.Age{"bodies": bodies, "dead-letters": deadLetters} {
			if age != 0 && age < config.MinAge {
				return fmt.Errorf("--%s must be at least 1h", flag)
			}
		}
		if *dryRun && (records == 0 || bodies != 0 || deadLetters != 0) {
			return errors.New("--dry-run goes with --ledger alone")
		}
		return nil
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ages := config.Retention{Bodies: bodies, DeadLetters: deadLetters}
		cfg, warnings, err := config.Load(*path, environ, func(c *config.Config) []config.Validator {
			return []config.Validator{c.MySQL, c.Retention, c.Idempotency}
		})
		warn(cmd, warnings)
		if err != nil {
			return err
		}
		if ages == (config.Retention{}) && records == 0 {
			if ages = cfg.Retention; ages == (config.Retention{}) {
				return errors.New("nothing to prune: neither a flag nor the configuration's retention gives an age")
			}
		}
		store, err := ledger.Open(ledger.Options{DSN: cfg.MySQL.DSN.Reveal(), Connect: cfg.MySQL.Options(), IdempotencyWindow: cfg.Idempotency.Window})
		if err != nil {
			return err
		}
		defer store.Close()
		if err := store.Current(cmd.Context()); err != nil {
			return err
		}
		now, out := time.Now(), cmd.OutOrStdout()
		if ages != (config.Retention{}) {
			done, err := app.Prune(cmd.Context(), store, ages, now, func(int64) {})
			if err == nil || done.Bodies+done.DeadLetters > 0 {
				fmt.Fprintf(out, "%d bodies emptied, %d dead letters deleted\n", done.Bodies, done.DeadLetters)
			}
			if err != nil {
				return err
			}
		}
		if records == 0 {
			return nil
		}
		// Whole seconds, so that the horizon that is told is the one that is stored.
		return pruneLedger(cmd, store, now.Add(-time.Duration(records)).UTC().Truncate(time.Second), *dryRun, out)
	}
	return cmd
}

func pruneLedger(cmd *cobra.Command, store *ledger.Store, horizon time.Time, dryRun bool, out io.Writer) error {
	told := horizon.Format(time.RFC3339)
	if dryRun {
		n, err := store.PrunableLedger(cmd.Context(), horizon)
		if err == nil {
			fmt.Fprintf(out, "%d records of requests before %s would be deleted\n", n, told)
		}
		return err
	}
	n, err := store.PruneLedger(cmd.Context(), horizon, func(int64) {})
	if err == nil || n > 0 {
		fmt.Fprintf(out, "%d records of requests before %s deleted\n", n, told)
	}
	return err
}
