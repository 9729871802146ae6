package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"gateway-billing.internal/consumer/internal/app"
	"gateway-billing.internal/consumer/internal/config"
	"gateway-billing.internal/consumer/internal/inspect"
	"gateway-billing.internal/consumer/internal/pipeline"
)

func newInspect(environ []string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "inspect [FILE|-]",
		Short: "Print what run would make of a message body, or of the last messages of a topic",
		Long: `Read one message body from FILE or standard input, without any server, and print one JSON line for
each of its entries: the usage record or the reject that run would make of it. Rejects are no error
of this command.

With --last N, read the last N messages of a topic instead and sum up where their keys come from,
what became of their stamps and how sure their usage is, each bad share with its cure. They are read
in the name of rocketmq.group, which gets no member and no offset by it: whoever consumes is not
disturbed.`,
	}
	path := configFlag(cmd)
	last := cmd.Flags().Int("last", 0, "sum up the last `N` messages of the topic")
	topic := cmd.Flags().String("topic", "", "with --last: read `TOPIC` in place of rocketmq.topic")
	output := cmd.Flags().String("output", "table", "with --last: `FORM`, table or json")
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		switch {
		case *last < 0 || *last > maxLast || *last == 0 && cmd.Flags().Changed("last"):
			return fmt.Errorf("--last must be in 1..%d", maxLast)
		case *last > 0 && len(args) > 0:
			return errors.New("--last reads a topic, and no file")
		case *last == 0 && *topic != "":
			return errors.New("--topic needs --last")
		case *output != "table" && *output != "json":
			return errors.New("--output must be table or json")
		}
		return cobra.MaximumNArgs(1)(cmd, args)
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *last > 0 {
			return inspectTopic(cmd, environ, *path, *topic, *last, *output == "json")
		}
		_, deriver, err := loadDeriver(cmd, environ, *path, func(*config.Config) []config.Validator { return nil })
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

// loadDeriver reads what makes records of entries, and the parts of the configuration that a command needs besides.
func loadDeriver(cmd *cobra.Command, environ []string, path string, besides func(*config.Config) []config.Validator) (
	config.Config, *pipeline.Deriver, error,
) {
	cfg, warnings, err := config.Load(path, environ, func(c *config.Config) []config.Validator {
		return append(besides(c), c.Stamp, c.Body, c.Routes)
	})
	warn(cmd, warnings)
	if err != nil {
		return cfg, nil, err
	}
	deriver, err := app.NewDeriver(cfg)
	return cfg, deriver, err
}

// maxLast bounds the messages of each queue that are held in memory: a message is up to 4 MiB, though few are.
const maxLast = 1000

// inspectTopic sums up the last messages of a topic.
func inspectTopic(cmd *cobra.Command, environ []string, path, topic string, last int, asJSON bool) error {
	if topic != "" {
		environ = append(slices.Clone(environ), "BILLING_ROCKETMQ_TOPIC="+topic)
	}
	cfg, deriver, err := loadDeriver(cmd, environ, path, func(c *config.Config) []config.Validator {
		return []config.Validator{c.RocketMQ}
	})
	if err != nil {
		return err
	}
	messages, err := app.Topic(cfg).Lately(cmd.Context(), last)
	if err != nil {
		return err
	}
	sums := inspect.NewSummary()
	for i := range messages {
		sums.Add(deriver, messages[i].Body)
	}
	if asJSON {
		return sums.JSON(cmd.OutOrStdout())
	}
	sums.Print(cmd.OutOrStdout())
	return nil
}

// readBody reads the named file, or standard input.
func readBody(args []string, stdin io.Reader) ([]byte, error) {
	if len(args) == 0 || args[0] == "-" {
		return io.ReadAll(stdin)
	}
	return os.ReadFile(args[0])
}
