package cli

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"gateway-billing.internal/consumer/internal/app"
	"gateway-billing.internal/consumer/internal/config"
	"gateway-billing.internal/consumer/internal/inspect"
)

func newInspect(environ []string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "inspect [FILE|-]",
		Short: "Print what run would make of one message body, without any server",
		Long: `Read one message body from FILE or standard input and print one JSON line for each of its entries: the usage
record or the reject that run would make of it. Rejects are no error of this command.`,
		Args: cobra.MaximumNArgs(1),
	}
	path := configFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, warnings, err := config.Load(*path, environ, func(c *config.Config) []config.Validator {
			return []config.Validator{c.Stamp, c.Body, c.Routes}
		})
		warn(cmd, warnings)
		if err != nil {
			return err
		}
		deriver, err := app.NewDeriver(cfg)
		if err != nil {
			return err
		}
		body, err := readBody(args, cmd.InOrStdin())
		if err != nil {
			return fmt.Errorf("message body: %w", err)
		}
		return inspect.Write(cmd.OutOrStdout(), deriver, body)
	}
	return cmd
}

// readBody reads the named file, or standard input.
func readBody(args []string, stdin io.Reader) ([]byte, error) {
	if len(args) == 0 || args[0] == "-" {
		return io.ReadAll(stdin)
	}
	return os.ReadFile(args[0])
}
