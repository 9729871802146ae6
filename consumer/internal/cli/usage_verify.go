package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"gateway-billing.internal/consumer/internal/ledger/totals"
	"gateway-billing.internal/consumer/internal/usagereport"
)

// The whole of time, as the ledger knows it.
var (
	firstTime = time.Unix(0, 0).UTC()
	lastTime  = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
)

// maxDifferences is how many differences are shown one by one.
const maxDifferences = 100

func newUsageVerify(environ []string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Hold the sums of usage against the records",
		Long: `Sum up the records again and hold all sums of usage against them, day for day; exit with 1 where one
differs. It reads as of one moment each day, so it is right while consumers write and fold, and
changes nothing. What lies before the horizon of a pruned ledger can't be compared, which is told.

` + usageTimes + `

Without --from and --to everything is compared. Sums of hours and days (UTC) that the time cuts are
left out.`,
	}
	path := configFlag(cmd)
	span := wholeTimeFlags(cmd)
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		return errors.Join(cobra.NoArgs(cmd, args), span.readWhole(time.Now()))
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		store, err := openUsage(cmd, *path, environ)
		if err != nil {
			return err
		}
		defer store.Close()
		out, shown := cmd.OutOrStdout(), 0
		add, hide := showProgress(cmd, func() int64 { return -1 })
		done, err := store.Totals().Verify(cmd.Context(), span.begin, span.end, func(d totals.Difference) {
			if shown++; shown > maxDifferences {
				return
			}
			fmt.Fprintf(out, "%s of %s, consumer %s", d.Level, d.Start.Format("2006-01-02T15:04Z"), usagereport.Shown(d.Consumer))
			if !d.Level.ByConsumer {
				fmt.Fprintf(out, ", route %s, service %s, model %s, status %s", usagereport.Shown(d.Route), usagereport.Shown(d.Service),
					usagereport.Shown(d.Model), usagereport.Shown(d.Status))
			}
			fmt.Fprintf(out, ", billable %t:", d.Billable)
			for _, f := range d.Fields() {
				fmt.Fprintf(out, " %s is %s and must be %s;", f[0], f[2], f[1])
			}
			fmt.Fprintln(out)
		}, add)
		hide()
		if err != nil {
			return err
		}
		if shown > maxDifferences {
			fmt.Fprintf(out, "… and %d more\n", shown-maxDifferences)
		}
		if !done.Horizon.IsZero() {
			fmt.Fprintf(out, "the ledger is pruned up to %s: what lies before was not compared\n", done.Horizon.Format(time.RFC3339))
		}
		fmt.Fprintf(out, "%d records of %d days compared, %d sums differ\n", done.Records, done.Days, done.Differences)
		if done.Differences > 0 {
			return fmt.Errorf("%d sums differ: see '%s usage rebuild --help'", done.Differences, name)
		}
		return nil
	}
	return cmd
}

func newUsageRebuild(environ []string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rebuild",
		Short: "Write the sums of usage anew from the records",
		Long: `Make the sums of all days (UTC) that the time touches those of their records, one transaction a day.
It may run beside consumers and be repeated, and goes on with what is left where it was interrupted.
Days that the ledger no longer holds whole are refused: their sums are all that is left of them.

` + usageTimes,
	}
	path := configFlag(cmd)
	span := usageTimeFlags(cmd, "")
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if err := cobra.NoArgs(cmd, args); err != nil {
			return err
		}
		if *span.from == "" {
			return errors.New("--from must say what to rebuild")
		}
		return span.read(time.Now())
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		store, err := openUsage(cmd, *path, environ)
		if err != nil {
			return err
		}
		defer store.Close()
		out := cmd.OutOrStdout()
		mended, err := store.RebuildUsage(cmd.Context(), span.begin, span.end, func(day time.Time, mended int) {
			fmt.Fprintf(out, "%s  %d sums mended\n", day.Format(time.DateOnly), mended)
		})
		if err == nil {
			fmt.Fprintf(out, "%d sums mended\n", mended)
		}
		return err
	}
	return cmd
}

func wholeTimeFlags(cmd *cobra.Command) *usageTime { return usageTimeFlags(cmd, "") }

// readWhole reads a time that may be left open on both sides.
func (u *usageTime) readWhole(now time.Time) error {
	from, to := *u.from, *u.to
	if from == "" {
		*u.from = firstTime.Format(time.RFC3339)
	}
	if from == "" && to == "" {
		*u.to = lastTime.Format(time.RFC3339)
	}
	return u.read(now)
}
