package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"gateway-billing.internal/consumer/internal/config"
	"gateway-billing.internal/consumer/internal/gaps"
	"gateway-billing.internal/consumer/internal/ledger"
)

func newGaps(environ []string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "gaps",
		Short: "List the numbers of runners' stamps that never arrived",
		Long: `List, for each run of each runner, the numbers of stamps that no log entry brought. The runner
numbers the requests that it stamps; a missing number is an entry that was lost on the way to the
broker, or a stamp whose request the gateway gave up. It means "numbered, not arrived", not
"unbilled".

A gap is listed once it has settled: when a later number arrived, or a later run told of it, that
long ago. Where no later run has told how far a run came (it still runs, or nothing of its successor
arrived), it is open after its highest number. Stamps that are not sealed can be made by anybody:
their runs are listed as unverified, without gaps.

Only the part mysql of the configuration is needed, and nothing is changed.`,
	}
	path := configFlag(cmd)
	runner := cmd.Flags().String("runner", "", "runs of this `RUNNER` alone")
	from := cmd.Flags().String("from", "", "runs that began at this `TIME` or later"+flagTimes)
	to := cmd.Flags().String("to", "", "runs that began before this `TIME`")
	settle := cmd.Flags().Duration("settle", 10*time.Minute, "a number may be late by this `DURATION`; at least as long as a logger holds entries")
	all := cmd.Flags().Bool("all", false, "also runs without gaps")
	fail := cmd.Flags().Bool("fail", false, "exit with 1 where there is a gap, for scripts")
	output := cmd.Flags().String("output", "table", "`FORM`: table, or json (one run a line)")
	var begin, end time.Time
	cmd.Args = func(cmd *cobra.Command, args []string) (err error) {
		if err := cobra.NoArgs(cmd, args); err != nil {
			return err
		}
		if begin, err = timeFlag("from", *from, time.Unix(0, 0)); err != nil {
			return err
		}
		if end, err = timeFlag("to", *to, time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)); err != nil {
			return err
		}
		if *settle < 0 {
			return errors.New("--settle must not be negative")
		}
		return checkOutput(*output)
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, warnings, err := config.Load(*path, environ, func(c *config.Config) []config.Validator {
			return []config.Validator{c.MySQL}
		})
		warn(cmd, warnings)
		if err != nil {
			return err
		}
		store, err := ledger.Open(ledger.Options{DSN: cfg.MySQL.DSN.Reveal(), Connect: cfg.MySQL.Options()})
		if err != nil {
			return err
		}
		defer store.Close()
		seen, err := store.StampsSeen(cmd.Context())
		if err != nil {
			return err
		}
		var runs []gaps.Run
		missing := uint64(0)
		for _, run := range gaps.Find(seen, *settle) {
			if *runner != "" && run.Runner != *runner || run.Start.Before(begin) || !run.Start.Before(end) {
				continue
			}
			missing += run.Missing
			if run.Missing > 0 || !run.Verified || *all {
				runs = append(runs, run)
			}
		}
		if *output == "json" {
			err = gapLines(cmd.OutOrStdout(), runs)
		} else {
			err = gapTable(cmd.OutOrStdout(), runs, missing)
		}
		if err == nil && *fail && missing > 0 {
			return fmt.Errorf("%d numbers did not arrive", missing)
		}
		return err
	}
	return cmd
}

func gapLines(w io.Writer, runs []gaps.Run) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	for _, run := range runs {
		if err := encoder.Encode(run); err != nil {
			return err
		}
	}
	return nil
}

// maxListed is how many gaps of one run the table shows.
const maxListed = 20

func gapTable(w io.Writer, runs []gaps.Run, missing uint64) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "RUNNER\tRUN\tBEGAN\tARRIVED\tMISSING\tNUMBERS\tNUMBERED BEFORE")
	const second = "2006-01-02T15:04:05Z"
	for _, run := range runs {
		state := ""
		switch {
		case !run.Verified:
			state = "unverified"
		case run.OpenAfter != nil:
			state = fmt.Sprintf("open after %d", *run.OpenAfter)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%d\t%s\t\n", shown(&run.Runner), run.Epoch, run.Start.Format(second), run.Arrived,
			run.Missing, state)
		for i, gap := range run.Gaps {
			if i == maxListed {
				fmt.Fprintf(table, "\t\t\t\t\tand %d gaps more: see --output json\t\n", len(run.Gaps)-i)
				break
			}
			fmt.Fprintf(table, "\t\t\t\t%d\t%d-%d\t%s\n", gap.Count(), gap.First, gap.Last, gap.Before.UTC().Format(second))
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%d numbers were given and did not arrive\n", missing)
	return err
}
