package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"gateway-billing.internal/consumer/internal/decimal"
	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/ledger/totals"
	"gateway-billing.internal/consumer/internal/recordexport"
)

func newUsageExport(environ []string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write the records of a time as CSV, NDJSON or Parquet",
		Long: `Write the usage records whose requests began in a time, all columns but the body, as the ledger is
at one moment. It ends with their number and tokens, on standard error, for comparison with report.

With --file, --resume goes on with an export that was interrupted, behind the last record that is
whole, and ends with the number of those that it added. Parquet is written in parts,
FILE-0001.parquet and so on, of a million records each; a part that is not whole is written anew. A
record that came in meanwhile for a time that was written before is not caught up on: export times
that are complete. Records that were pruned are not in it, which is told. In CSV an unknown value is
\N.

` + usageTimes,
	}
	path := configFlag(cmd)
	span := usageTimeFlags(cmd, "yesterday")
	output := cmd.Flags().String("output", "ndjson", "`FORM`: csv, ndjson or parquet")
	file := cmd.Flags().String("file", "", "write to `FILE` instead of standard output; needed for parquet")
	resume := cmd.Flags().Bool("resume", false, "go on with what is in the file already")
	form := recordexport.NDJSON
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if err := cobra.NoArgs(cmd, args); err != nil {
			return err
		}
		switch form = recordexport.Form(*output); {
		case form != recordexport.CSV && form != recordexport.NDJSON && form != recordexport.Parquet:
			return errors.New("--output must be csv, ndjson or parquet")
		case *file == "" && form == recordexport.Parquet:
			return errors.New("--output parquet needs --file")
		case *file == "" && *resume:
			return errors.New("--resume needs --file")
		}
		return span.read(time.Now())
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		store, err := openUsage(cmd, *path, environ)
		if err != nil {
			return err
		}
		defer store.Close()
		var sink recordexport.Sink
		var last *ledger.Exported
		if *file == "" {
			sink, err = recordexport.ToWriter(form, cmd.OutOrStdout())
		} else {
			sink, last, err = recordexport.ToFile(form, *file, *resume)
		}
		if err != nil {
			return err
		}
		told := "%d records with %s tokens\n"
		if *resume {
			told = "%d records with %s tokens in this run, behind those that were there\n"
		}
		return errors.Join(exportTo(cmd, store, span, sink, last, told), sink.Close())
	}
	return cmd
}

func exportTo(cmd *cobra.Command, store *ledger.Store, span *usageTime, sink recordexport.Sink, last *ledger.Exported, end string) error {
	ctx, told := cmd.Context(), cmd.ErrOrStderr()
	switch horizon, err := store.Horizon(ctx); {
	case err != nil:
		return err
	case span.begin.Before(horizon):
		fmt.Fprintf(told, "the ledger is pruned up to %s: only sums are left of what lies before\n", horizon.Format(time.RFC3339))
	}
	add, shown := showProgress(cmd, func() int64 {
		all, err := store.Totals().Query(ctx, totals.Query{From: span.begin, To: span.end})
		if err != nil || last != nil { // between quarters of an hour, or some are written already
			return -1
		}
		return all.Total.Records
	})
	defer shown()
	records, tokens := 0, decimal.Count{}
	err := store.Export(ctx, span.begin, span.end, last, func(page []ledger.Exported) error {
		if err := sink.Write(page); err != nil {
			return err
		}
		for i := range page {
			tokens = tokens.Plus(decimal.CountOf(page[i].TotalTokens))
		}
		records += len(page)
		add(int64(len(page)))
		return nil
	})
	if err == nil {
		fmt.Fprintf(told, end, records, tokens)
	}
	return err
}
