package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"gateway-billing.internal/consumer/internal/check"
	"gateway-billing.internal/consumer/internal/config"
)

func newCheck(environ []string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Look at everything that run needs before the first message: configuration, RocketMQ, database",
		Long: `Look at everything that run needs before the first message, and print a line for each: ok, warning
or error, and what cures it. Looked at are the configuration, stamp keys, the API's tokens and
certificate, the modes of files with secrets; name servers, brokers and whether they take the
credentials; the topic, the group's retry topic, DLQ and members; the database: rights, mode,
settings, schema, encryption, clock. Nothing is written, but a broker that makes groups by itself
makes this one.

The exit code is 1 where there is an error; warnings alone do not count.`,
		Args: cobra.NoArgs,
	}
	path := configFlag(cmd)
	output := cmd.Flags().String("output", "table", "`FORM`: table, or json (one check a line)")
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if err := cobra.NoArgs(cmd, args); err != nil {
			return err
		}
		return checkOutput(*output)
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, warnings, err := config.Load(*path, environ, func(c *config.Config) []config.Validator { return []config.Validator{c} })
		in := check.Input{Config: cfg, Path: *path, Warnings: warnings}
		if err != nil {
			var ok bool
			if in.Errors, ok = errors.AsType[config.Errors](err); !ok {
				return err
			}
		}
		in.Values, _ = config.Values(*path, environ) // its errors are among those of Load
		lines := check.All(cmd.Context(), in)
		if *output == "json" {
			err = checkLines(cmd.OutOrStdout(), lines)
		} else {
			checkTable(cmd.OutOrStdout(), lines)
			err = nil
		}
		if err == nil && check.Worst(lines) == check.Error {
			err = errors.New("as it stands, run would not record correctly: see the lines with error")
		}
		return err
	}
	return cmd
}

func checkLines(w io.Writer, lines []check.Line) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	for _, line := range lines {
		if err := encoder.Encode(line); err != nil {
			return err
		}
	}
	return nil
}

func checkTable(w io.Writer, lines []check.Line) {
	for _, line := range lines {
		fmt.Fprintf(w, "%-8s %-28s %s\n", line.Status, line.Check, strings.ReplaceAll(line.Detail, "\n", " "))
		if line.Cure != "" {
			fmt.Fprintf(w, "%-8s %-28s cure: %s\n", "", "", line.Cure)
		}
	}
}
