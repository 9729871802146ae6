package cli

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"gateway-billing.internal/consumer/internal/config"
	"gateway-billing.internal/consumer/internal/deadletter"
	"gateway-billing.internal/consumer/internal/ledger"
)

// lettersAtOnce bounds what is read of a long list at once.
const lettersAtOnce = 500

func newDeadLettersList(environ []string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List dead letters",
		Long: `List dead letters in the order of their ids. Only the part mysql of the configuration is needed, and
nothing is changed.`,
	}
	path, output, flags := configFlag(cmd), outputFlag(cmd), filterFlags(cmd, 100)
	flags.status = cmd.Flags().String("status", "pending", "`STATUS`: pending, redriven, discarded or all")
	var filter deadletter.Filter
	cmd.Args = func(cmd *cobra.Command, args []string) (err error) {
		if err := cobra.NoArgs(cmd, args); err != nil {
			return err
		}
		if filter, err = flags.filter(); err != nil {
			return err
		}
		return checkOutput(*output)
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := loadFor(cmd, *path, environ, func(c *config.Config) []config.Validator { return []config.Validator{c.MySQL} })
		if err != nil {
			return err
		}
		store, err := ledger.Open(ledger.Options{DSN: cfg.MySQL.DSN.Reveal(), Connect: cfg.MySQL.Options()})
		if err != nil {
			return err
		}
		defer store.Close()
		encoder := json.NewEncoder(cmd.OutOrStdout())
		encoder.SetEscapeHTML(false)
		table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
		if *output == "table" {
			fmt.Fprintln(table, "ID\tTIME\tSTATUS\tREASON\tENTRY\tBYTES\tATTEMPTS\tDELIVERIES\tKEY\tDETAIL")
		}
		err = eachLetter(cmd, store, filter, func(l *deadletter.Letter) error {
			if *output == "json" {
				return encoder.Encode(l)
			}
			key := "?"
			if l.Key != nil {
				key = l.Key.String()
			}
			_, err := fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%d\t%d\t%d\t%s\t%s\n", l.ID, l.Created.UTC().Format("2006-01-02T15:04:05Z"),
				l.Status, shown(&l.Reason), place(l.EntryIndex), l.RawLength, l.Attempts, l.Deliveries, key, shown(&l.Detail))
			return err
		})
		if err != nil {
			return err
		}
		return table.Flush()
	}
	return cmd
}

// place is an entry's index, or that it is the whole message.
func place(index int) string {
	if index < 0 {
		return "message"
	}
	return fmt.Sprint(index)
}

// eachLetter reads what the filter picks in pieces, in the order of the ids.
func eachLetter(cmd *cobra.Command, store *ledger.Store, filter deadletter.Filter, do func(*deadletter.Letter) error) error {
	for left := filter.Limit; left > 0; {
		filter.Limit = min(left, lettersAtOnce)
		letters, err := store.DeadLetters(cmd.Context(), filter)
		if err != nil {
			return err
		}
		for i := range letters {
			if err := do(&letters[i]); err != nil {
				return err
			}
		}
		if len(letters) < filter.Limit {
			return nil
		}
		left -= len(letters)
		filter.AfterID = letters[len(letters)-1].ID
	}
	return nil
}
