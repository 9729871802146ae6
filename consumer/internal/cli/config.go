package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"gateway-billing.internal/consumer/internal/config"
)

func newConfig(environ []string) *cobra.Command {
	return group(&cobra.Command{Use: "config", Short: "Show the configuration"}, newConfigPrint(environ))
}

func newConfigPrint(environ []string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "print",
		Short: "Print every value as it is in effect, and where it comes from",
		Long: `Print every value of the configuration as it is in effect, and where it comes from: default, file
(and line), environment, or the file that a secret lies in. Secrets are masked. A value that can't
be read is left at what it is without it. Behind the values, on standard error, stand variables of
the environment that have no effect, and everything that keeps run from starting; where there is
such a thing the exit code is 1. What each value means stands in consumer/CONFIG.md.`,
	}
	path := configFlag(cmd)
	output := cmd.Flags().String("output", "table", "`FORM`: table, or json (one value a line)")
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if err := cobra.NoArgs(cmd, args); err != nil {
			return err
		}
		return checkOutput(*output)
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		values, _ := config.Values(*path, environ) // its errors are among those of Load
		encoder := json.NewEncoder(cmd.OutOrStdout())
		encoder.SetEscapeHTML(false)
		table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
		for _, v := range values {
			if *output == "json" {
				if err := encoder.Encode(map[string]string{"name": v.Name, "value": v.Text(), "source": v.Source, "place": v.Place}); err != nil {
					return err
				}
				continue
			}
			source := v.Source
			if v.Place != "" {
				source += " (" + v.Place + ")"
			}
			fmt.Fprintf(table, "%s\t%s\t%s\n", v.Name, strings.ReplaceAll(v.Text(), "\n", "\n\t"), source)
		}
		_ = table.Flush()
		_, warnings, err := config.Load(*path, environ, func(c *config.Config) []config.Validator { return []config.Validator{c} })
		warn(cmd, warnings)
		return err
	}
	return cmd
}
