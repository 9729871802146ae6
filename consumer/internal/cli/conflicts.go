package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"gateway-billing.internal/consumer/internal/config"
	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/usagereport"
)

func newConflicts(environ []string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "conflicts",
		Short: "List the records whose key another request holds",
		Long: `List the records whose billing key another request holds, the latest first, each with the one that
holds it. Both happened and both are recorded and billed; a conflict means that somebody sent
another request's stamp, or that gateways share request IDs. Only the part mysql of the
configuration is needed, and nothing is changed.`,
	}
	path := configFlag(cmd)
	from := cmd.Flags().String("from", "", "requests from this `TIME` on"+flagTimes)
	to := cmd.Flags().String("to", "", "requests before this `TIME`")
	consumer := cmd.Flags().String("consumer", "", "with this APISIX `CONSUMER` on either side (\"\" for anonymous)")
	limit := cmd.Flags().Int("limit", 100, "at most `N`")
	output := cmd.Flags().String("output", "table", "`FORM`: table, or json (one object a line)")
	var filter ledger.ConflictFilter
	// Checked where the command line is: what is wrong with a flag is the caller's mistake.
	cmd.Args = func(cmd *cobra.Command, args []string) (err error) {
		if err := cobra.NoArgs(cmd, args); err != nil {
			return err
		}
		if filter.From, err = timeFlag("from", *from, time.Unix(0, 0)); err != nil {
			return err
		}
		if filter.To, err = timeFlag("to", *to, time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)); err != nil {
			return err
		}
		if cmd.Flags().Changed("consumer") {
			filter.Consumer = consumer
		}
		if filter.Limit = *limit; filter.Limit < 1 || filter.Limit > 1_000_000 {
			return errors.New("--limit must be 1 to 1000000")
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
		all, err := store.Conflicts(cmd.Context(), filter)
		if err != nil {
			return err
		}
		if *output == "json" {
			return conflictLines(cmd.OutOrStdout(), all)
		}
		return conflictTable(cmd.OutOrStdout(), all)
	}
	return cmd
}

// flagTimes says which times timeFlag reads.
const flagTimes = ", such as 2026-11-24T08:00:00Z, 2026-11-24, 2026-11 or yesterday (UTC)"

// timeFlag reads a time that may be left out: the beginning of what the text names.
func timeFlag(flag, text string, standard time.Time) (time.Time, error) {
	if text == "" {
		return standard, nil
	}
	at, err := usagereport.Beginning(text, time.Now(), time.UTC)
	if err != nil || at.Year() < 1970 || at.Year() > 9999 {
		return at, fmt.Errorf("--%s must be a time%s", flag, flagTimes)
	}
	return at, nil
}

func conflictLines(w io.Writer, all []ledger.Conflict) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	for _, c := range all {
		if err := encoder.Encode(c); err != nil {
			return err
		}
	}
	return nil
}

// conflictTable writes two lines a conflict: the record, and behind "held by" the one that has its key.
func conflictTable(w io.Writer, all []ledger.Conflict) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "TIME\tKEY\tCONSUMER\tROUTE\tCLIENT\tREQUEST\tSTATUS\tBILLABLE\tMSGID")
	party := func(head string, p *ledger.Party) {
		status := "?"
		if p.Status != nil {
			status = strconv.Itoa(int(*p.Status))
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s %s\t%s\t%t\t%s\n", head, p.Key, shown(p.Consumer), shown(p.RouteID),
			shown(p.ClientIP), shown(p.Method), shown(p.URI), status, p.Billable, shown(&p.MsgID))
	}
	for i := range all {
		c := &all[i]
		party(c.RequestTime.UTC().Format("2006-01-02T15:04:05.000Z"), &c.Record)
		if c.Holder == nil {
			fmt.Fprintf(table, "  held by\t%s\tgone\t\t\t\t\t\t\n", c.ClaimedKey)
			continue
		}
		party("  held by", c.Holder)
	}
	return table.Flush()
}

// shown is a text that a client may have chosen, safe for a terminal: "?" when it is not known, "-" when it is empty.
func shown(s *string) string {
	switch {
	case s == nil:
		return "?"
	case *s == "":
		return "-"
	}
	quoted := strconv.QuoteToGraphic(*s)
	if inner := quoted[1 : len(quoted)-1]; inner == *s {
		return inner
	}
	return quoted
}
