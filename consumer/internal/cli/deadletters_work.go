package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"

	"github.com/spf13/cobra"

	"gateway-billing.internal/consumer/internal/app"
	"gateway-billing.internal/consumer/internal/config"
	"gateway-billing.internal/consumer/internal/deadletter"
	"gateway-billing.internal/consumer/internal/ledger"
)

// one does its part with one dead letter.
type one func(ctx context.Context, store *ledger.Store, w ledger.Work) (ledger.Worked, error)

func newDeadLettersRedrive(environ []string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "redrive [ID...]",
		Short: "Let pending dead letters go through the flow again",
		Long: `Let pending dead letters go through the flow again, in the order of their ids: those named, or those
that the flags pick. Use it after what made them fail is mended. Each is one transaction: it is
recorded and redriven, or still pending with one attempt more; so the command may be stopped,
repeated and run twice at once. The exit code is 1 where one failed again. All parts of the
configuration but rocketmq and http count, and must be those of run.`,
	}
	return lettersWork(cmd, environ, func(cfg config.Config) (one, error) {
		deriver, err := app.NewDeriver(cfg)
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context, store *ledger.Store, w ledger.Work) (ledger.Worked, error) {
			return store.Redrive(ctx, w, deriver.Redrive)
		}, nil
	})
}

func newDeadLettersDiscard(environ []string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "discard [ID...]",
		Short: "Take pending dead letters out of what is to be worked on",
		Long: `Take pending dead letters out of what is to be worked on: those named, or those that the flags pick.
They and their bytes stay in the table, and are listed with --status discarded.`,
	}
	why := cmd.Flags().String("why", "", "`REASON` that is noted")
	return lettersWork(cmd, environ, func(config.Config) (one, error) {
		return func(ctx context.Context, store *ledger.Store, w ledger.Work) (ledger.Worked, error) {
			return store.Discard(ctx, w, *why)
		}, nil
	})
}

// lettersWork makes a command that works on the dead letters which its command line picks.
func lettersWork(cmd *cobra.Command, environ []string, prepare func(config.Config) (one, error)) *cobra.Command {
	path, output, flags := configFlag(cmd), outputFlag(cmd), filterFlags(cmd, 100_000_000)
	all := cmd.Flags().Bool("all", false, "all pending ones")
	dry := cmd.Flags().Bool("dry-run", false, "say what would become of them and change nothing")
	by := cmd.Flags().String("by", "", "`WHO` does it, for the audit (default: the user and host)")
	var filter deadletter.Filter
	var ids []int64
	cmd.Args = func(cmd *cobra.Command, args []string) (err error) {
		ids = nil
		for _, arg := range args {
			id, err := letterID(arg)
			if err != nil {
				return err
			}
			ids = append(ids, id)
		}
		if filter, err = flags.filter(); err != nil {
			return err
		}
		filter.Status = deadletter.Pending
		picks := *all
		for _, name := range []string{"reason", "topic", "from", "to"} {
			picks = picks || cmd.Flags().Changed(name)
		}
		if picks == (len(ids) > 0) {
			return errors.New("name dead letters by their ids, or pick them by flags, or --all")
		}
		return checkOutput(*output)
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := loadFor(cmd, *path, environ, func(c *config.Config) []config.Validator {
			return []config.Validator{c.MySQL, c.Batch, c.Stamp, c.Idempotency, c.Body, c.Routes}
		})
		if err != nil {
			return err
		}
		do, err := prepare(cfg)
		if err != nil {
			return err
		}
		store, err := app.OpenLedger(cfg)
		if err != nil {
			return err
		}
		defer store.Close()
		if err := store.Current(cmd.Context()); err != nil {
			return fmt.Errorf("database: %w", err)
		}
		p := progress{w: cmd.OutOrStdout(), json: *output == "json", dry: *dry, counts: map[deadletter.Status]int{}}
		work := ledger.Work{Actor: actor(*by), DryRun: *dry}
		step := func(id int64) error {
			work.ID = id
			done, err := do(cmd.Context(), store, work)
			if err != nil {
				return fmt.Errorf("dead letter %d: %w", id, err)
			}
			return p.note(&done)
		}
		if len(ids) > 0 {
			for _, id := range ids {
				if err = step(id); err != nil {
					break
				}
			}
		} else {
			err = eachLetter(cmd, store, filter, func(l *deadletter.Letter) error { return step(l.ID) })
		}
		p.end()
		if failed := p.counts[deadletter.Pending]; err == nil && failed > 0 && !*dry {
			return fmt.Errorf("failed again and still pending: %d", failed)
		}
		return err
	}
	return cmd
}

// progress writes what became of each dead letter.
type progress struct {
	w         io.Writer
	json, dry bool
	counts    map[deadletter.Status]int
	untouched int
}

func (p *progress) note(done *ledger.Worked) error {
	if done.Changed {
		p.counts[done.Status]++
	} else {
		p.untouched++
	}
	if p.json {
		encoder := json.NewEncoder(p.w)
		encoder.SetEscapeHTML(false)
		return encoder.Encode(done)
	}
	_, err := fmt.Fprintf(p.w, "%d\t%s\t%s\n", done.ID, done.Status, shown(&done.Detail))
	return err
}

// end writes the sum.
func (p *progress) end() {
	if p.json {
		return
	}
	dry := ""
	if p.dry {
		dry = "dry run, nothing changed: "
	}
	fmt.Fprintf(p.w, "%s%d redriven, %d discarded, %d still pending, %d were not pending\n", dry, p.counts[deadletter.Redriven],
		p.counts[deadletter.Discarded], p.counts[deadletter.Pending], p.untouched)
}

// actor is who runs this, as far as the system knows.
func actor(by string) string {
	if by != "" {
		return by
	}
	name, host := "unknown", "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if h, err := os.Hostname(); err == nil {
		host = h
	}
	return name + "@" + host
}
