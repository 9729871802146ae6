package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"gateway-billing.internal/consumer/internal/app"
	"gateway-billing.internal/consumer/internal/config"
	"gateway-billing.internal/consumer/internal/replay"
)

func newReplay(environ []string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "replay (--from TIME --to TIME | --file FILE)",
		Short: "Read messages again, from the topic or a file, into the ledger",
		Long: `Read messages again and take them through the same flow as run does: from the topic, those that the broker stored from
one time on and before another, or from a file with one message body a line (plain, gzip or zstd; - is standard input). What
is recorded already is a duplicate, so a replay may be repeated, and run beside run. No offset of the group is touched.

With --state a replay that was stopped goes on where it was. With --dry-run nothing is written; two copies of a request that
stand far apart in the input are then both counted as new, since the first is not there when the second is looked up.

For a file, the parts rocketmq and http of the configuration are not needed.`,
	}
	path := configFlag(cmd)
	from := cmd.Flags().String("from", "", "messages stored at this `TIME` or later (RFC 3339)")
	to := cmd.Flags().String("to", "", "messages stored before this `TIME` (RFC 3339)")
	var r app.Replay
	cmd.Flags().StringVar(&r.File, "file", "", "read this `FILE` instead of the topic")
	cmd.Flags().StringVar(&r.State, "state", "", "keep the position in this `FILE`, and go on at it")
	cmd.Flags().Float64Var(&r.Rate, "rate", 0, "the most `MESSAGES` a second, 0 for no limit")
	cmd.Flags().BoolVar(&r.DryRun, "dry-run", false, "only say what would become of the entries")
	output := cmd.Flags().String("output", "table", "`FORM`: table or json")
	cmd.Args = func(cmd *cobra.Command, args []string) (err error) {
		if err := cobra.NoArgs(cmd, args); err != nil {
			return err
		}
		switch {
		case r.File != "" && (*from != "" || *to != ""):
			return errors.New("--file goes without --from and --to: a file is read as a whole")
		case r.File == "" && (*from == "" || *to == ""):
			return errors.New("say what to read: --from and --to, or --file")
		case r.File == "-" && r.State != "":
			return errors.New("--state needs a file that can be read again")
		case r.Rate < 0:
			return errors.New("--rate must not be negative")
		case *output != "table" && *output != "json":
			return errors.New("--output must be table or json")
		}
		if r.From, err = timeFlag("from", *from, time.Time{}); err != nil {
			return err
		}
		if r.To, err = timeFlag("to", *to, time.Time{}); err != nil {
			return err
		}
		if r.File == "" && !r.From.Before(r.To) {
			return errors.New("--from must be before --to")
		}
		return nil
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, warnings, err := config.Load(*path, environ, func(c *config.Config) []config.Validator {
			if r.File == "" {
				return []config.Validator{c}
			}
			return []config.Validator{c.MySQL, c.Batch, c.Stamp, c.Idempotency, c.Routes, c.Body}
		})
		warn(cmd, warnings)
		if err != nil {
			return err
		}
		r.Stdin = cmd.InOrStdin()
		r.Tell = func(text string) { fmt.Fprintln(cmd.ErrOrStderr(), "replay:", text) }
		r.Progress = func(done string, sum replay.Summary) {
			r.Tell(fmt.Sprintf("%s; %d entries, %d of them new", done, sum.Entries, sum.Recorded+sum.Conflict))
		}
		sum, err := r.Run(cmd.Context(), cfg)
		if stopped := errors.Is(err, context.Canceled); err != nil && !stopped {
			return fmt.Errorf("replay, behind %d messages: %w", sum.Messages, err)
		} else if stopped {
			r.Tell("stopped; what follows is of what was read")
		}
		if *output == "json" {
			encoder := json.NewEncoder(cmd.OutOrStdout())
			if shown := encoder.Encode(sum); shown != nil {
				return shown
			}
		} else if shown := replayTable(cmd.OutOrStdout(), sum, r.DryRun); shown != nil {
			return shown
		}
		if err != nil {
			return errLogged
		}
		return nil
	}
	return cmd
}

func replayTable(w io.Writer, sum replay.Summary, dryRun bool) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(name string, n int) { fmt.Fprintf(table, "%s\t%d\t\n", name, n) }
	row("messages", sum.Messages)
	row("entries", sum.Entries)
	row("recorded", sum.Recorded)
	row("duplicate", sum.Duplicate)
	row("  raised", sum.Raised)
	row("conflict", sum.Conflict)
	row("rejected", sum.Rejected)
	for _, reason := range slices.Sorted(maps.Keys(sum.Reasons)) {
		row("  "+reason, sum.Reasons[reason])
	}
	if err := table.Flush(); err != nil || !dryRun {
		return err
	}
	_, err := fmt.Fprintln(w, "nothing was written (--dry-run)")
	return err
}
