package cli

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"gateway-billing.internal/consumer/internal/config"
	"gateway-billing.internal/consumer/internal/deadletter"
)

func newDeadLetters(environ []string) *cobra.Command {
	return group(&cobra.Command{
		Use:     "deadletters",
		Aliases: []string{"dead-letters"}, // as the API has it
		Short:   "List, show, redrive or discard what could not be recorded",
		Long: `Work with dead letters: the entries and messages that could not become usage records, each with its
reason and the bytes that came. What is done to them is noted with who did it and when.`,
	}, newDeadLettersList(environ), newDeadLettersShow(environ), newDeadLettersRedrive(environ), newDeadLettersDiscard(environ))
}

// letterFlags are the flags that pick dead letters.
type letterFlags struct {
	reason, topic, from, to, status *string
	limit                           *int
}

// filterFlags adds the flags but --status, which only a list has.
func filterFlags(cmd *cobra.Command, limit int) *letterFlags {
	return &letterFlags{
		reason: cmd.Flags().String("reason", "", "with this `CODE`; bad_value stands for all bad_value:<field>"),
		topic:  cmd.Flags().String("topic", "", "read from this `TOPIC`"),
		from:   cmd.Flags().String("from", "", "written at this `TIME` or later"+flagTimes),
		to:     cmd.Flags().String("to", "", "written before this `TIME`"),
		limit:  cmd.Flags().Int("limit", limit, "at most `N`, in the order of their ids"),
	}
}

func (f *letterFlags) filter() (filter deadletter.Filter, err error) {
	filter = deadletter.Filter{Reason: *f.reason, Topic: *f.topic, Limit: *f.limit}
	if filter.From, err = timeFlag("from", *f.from, time.Unix(0, 0)); err != nil {
		return filter, err
	}
	if filter.To, err = timeFlag("to", *f.to, time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)); err != nil {
		return filter, err
	}
	if filter.Limit < 1 || filter.Limit > 100_000_000 {
		return filter, errors.New("--limit must be 1 to 100000000")
	}
	if f.status == nil {
		return filter, nil
	}
	switch filter.Status = deadletter.Status(*f.status); filter.Status {
	case deadletter.Pending, deadletter.Redriven, deadletter.Discarded:
	case "all":
		filter.Status = ""
	default:
		return filter, errors.New("--status must be pending, redriven, discarded or all")
	}
	return filter, nil
}

func outputFlag(cmd *cobra.Command) *string {
	return cmd.Flags().String("output", "table", "`FORM`: table, or json (one object a line)")
}

func checkOutput(output string) error {
	if output != "table" && output != "json" {
		return errors.New("--output must be table or json")
	}
	return nil
}

// letterID reads the id of a dead letter.
func letterID(text string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 {
		return 0, fmt.Errorf("%q is no id of a dead letter", text)
	}
	return id, nil
}

// loadFor loads the parts of the configuration that a command needs.
func loadFor(cmd *cobra.Command, path string, environ []string, needs func(*config.Config) []config.Validator) (config.Config, error) {
	cfg, warnings, err := config.Load(path, environ, needs)
	warn(cmd, warnings)
	return cfg, err
}
