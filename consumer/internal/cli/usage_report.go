package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gateway-billing.internal/consumer/internal/ledger/totals"
	"gateway-billing.internal/consumer/internal/usagereport"
)

func newUsageReport(environ []string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Sum up usage by time, APISIX consumer, model and more",
		Long: `Sum up what was used in a time, grouped as you like. What alice used yesterday, by model:

  billing-consumer usage report --from yesterday --consumer alice --by model
  billing-consumer usage report --from last-month --zone Asia/Tokyo --by day,consumer --output csv

` + usageTimes + `

Names are exact. In a table "?" is a name that is not known, and "-" one that is known to be empty
(an anonymous request, an unmatched route); in CSV they are \N and an empty field, in NDJSON null
and "". The column missing counts requests whose usage was not found, partial those of which not all
was. Grouping by dimension:NAME reads all records of the time.`,
	}
	path := configFlag(cmd)
	span := usageTimeFlags(cmd, "today")
	by := cmd.Flags().StringSlice("by", nil, "group by `NAMES`: hour, day or month, consumer, route, service, model, status, billable, dimension:NAME; with commas between them")
	filter := usageFilterFlags(cmd)
	output := cmd.Flags().String("output", "table", "`FORM`: table, csv, ndjson or parquet")
	file := cmd.Flags().String("file", "", "write to `FILE`; needed for parquet")
	var form usagereport.Form
	query := totals.Query{}
	cmd.Args = func(cmd *cobra.Command, args []string) (err error) {
		if err := cobra.NoArgs(cmd, args); err != nil {
			return err
		}
		if form, err = usagereport.ParseForm(*output); err != nil {
			return err
		}
		if form == usagereport.Parquet && *file == "" {
			return fmt.Errorf("--output parquet needs --file")
		}
		if err := span.read(time.Now()); err != nil {
			return err
		}
		for _, text := range *by {
			b, err := totals.ParseBy(strings.TrimSpace(text))
			if err != nil {
				return flagError(err)
			}
			query.By = append(query.By, b)
		}
		query.From, query.To, query.Location = span.begin, span.end, span.location
		if query.Filter, err = filter.read(); err != nil {
			return err
		}
		return flagError(query.Check())
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		store, err := openUsage(cmd, *path, environ)
		if err != nil {
			return err
		}
		defer store.Close()
		result, err := store.Totals().Query(cmd.Context(), query)
		if err != nil {
			return err
		}
		return toFile(cmd, *file, func(w io.Writer) error { return usagereport.Write(w, form, query, result) })
	}
	return cmd
}

// flagError names the flag of what is wrong with a query.
func flagError(err error) error {
	if wrong, ok := errors.AsType[*totals.QueryError](err); ok {
		return fmt.Errorf("--%s %s", wrong.Part, wrong.Problem)
	}
	return err
}

// toFile lets write write to a file, which appears when it is whole, or to standard output.
func toFile(cmd *cobra.Command, name string, write func(io.Writer) error) (err error) {
	if name == "" {
		return write(cmd.OutOrStdout())
	}
	partial := name + ".partial"
	f, err := os.Create(partial)
	if err != nil {
		return err
	}
	if err = write(f); err == nil {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		os.Remove(partial) //nolint:errcheck // the error that counts is there already
		return err
	}
	return os.Rename(partial, name)
}

// usageFilter are the flags that pick records.
type usageFilter struct {
	lists    map[string]*[]string
	billable *string
}

func usageFilterFlags(cmd *cobra.Command) *usageFilter {
	f := &usageFilter{lists: map[string]*[]string{}}
	f.lists["status"] = cmd.Flags().StringArray("status", nil, "only this `CLASS` of status, such as 2xx; may be repeated (? for the unknown one)")
	for _, name := range []string{"consumer", "route", "service", "model"} {
		what := name
		if name == "consumer" {
			what = "APISIX consumer"
		}
		f.lists[name] = cmd.Flags().StringArray(name, nil, "only this "+what+": its `NAME`; may be repeated (\"\" for the empty name, ? for the unknown one)")
	}
	f.billable = cmd.Flags().String("billable", "all", "`WHICH` records: yes for those that are billable, no, or all")
	return f
}

func (f *usageFilter) read() (filter totals.Filter, err error) {
	names := func(flag string) (all []*string) {
		for _, name := range *f.lists[flag] {
			if name == "?" {
				all = append(all, nil)
			} else {
				all = append(all, &name)
			}
		}
		return all
	}
	filter = totals.Filter{
		Consumers: names("consumer"), Routes: names("route"), Services: names("service"), Models: names("model"), Statuses: names("status"),
	}
	switch *f.billable {
	case "all":
	case "yes", "no":
		filter.Billable = new(*f.billable == "yes")
	default:
		return filter, fmt.Errorf("--billable must be yes, no or all")
	}
	return filter, nil
}
