// Package cli owns the command line of billing-consumer: its commands, what they print and the exit codes. What a
// command does is done elsewhere.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"gateway-billing.internal/consumer/internal/config"
)

// name is the name of the binary.
const name = "billing-consumer"

// The exit codes.
const (
	// ExitOK: the command did what was asked for; for run, it drained after a signal.
	ExitOK = 0
	// ExitError: the command failed, and said why on standard error.
	ExitError = 1
	// ExitUsage: the command line itself is wrong.
	ExitUsage = 2
)

// errLogged ends a command with ExitError whose error stands in the log already.
var errLogged = errors.New("logged")

// Run runs one command line (without the program's name) to its end and returns the exit code. Cancelling ctx asks a
// running command to finish. environ has the form of os.Environ.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, environ []string) int {
	root := newRoot(environ)
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	// cobra checks the command line before it calls this: an error without it is the caller's.
	understood := false
	root.PersistentPreRun = func(*cobra.Command, []string) { understood = true }
	cmd, err := root.ExecuteContextC(ctx)
	switch {
	case err == nil:
		return ExitOK
	case errors.Is(err, errLogged):
		return ExitError
	case !understood:
		fmt.Fprintf(stderr, "%s: %v\nSee '%s --help'.\n", name, err, cmd.CommandPath())
		return ExitUsage
	}
	fmt.Fprintf(stderr, "%s: %s\n", name, describe(err))
	return ExitError
}

// describe gives the errors of a configuration a line each.
func describe(err error) string {
	if all, ok := errors.AsType[config.Errors](err); ok {
		return "the configuration is not valid:\n  " + strings.ReplaceAll(all.Error(), "\n", "\n  ")
	}
	return err.Error()
}

func newRoot(environ []string) *cobra.Command {
	root := &cobra.Command{
		Use:   name,
		Short: "Turns the log entries of an APISIX gateway into usage records, exactly one for each request",
		Long: `billing-consumer reads APISIX's log entries from RocketMQ and keeps one usage record for each
request in MySQL.

Each value of the configuration file can be given by environment too: rocketmq.topic is
BILLING_ROCKETMQ_TOPIC.`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.AddCommand(newRun(environ), newServe(environ), newToken(), newCheck(environ), newConfig(environ), newMigrate(environ), newInspect(environ), newConflicts(environ), newGaps(environ), newReplay(environ), newDeadLetters(environ), newPrune(environ), newUsage(environ), newDoctor(environ), newVersion())
	return root
}

// group makes a command of others, which is a wrong command line without one of them behind it.
func group(cmd *cobra.Command, others ...*cobra.Command) *cobra.Command {
	cmd.AddCommand(others...)
	names := make([]string, len(others))
	for i, other := range others {
		names[i] = other.Name()
	}
	all := strings.Join(names, ", ")
	if i := strings.LastIndex(all, ", "); i >= 0 {
		all = all[:i] + " or " + all[i+2:]
	}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return fmt.Errorf("%s has no command %q, but %s", cmd.Name(), args[0], all)
		}
		return fmt.Errorf("%s needs a command: %s", cmd.Name(), all)
	}
	cmd.Run = func(*cobra.Command, []string) {} // without it cobra shows the help, and is content
	return cmd
}

// configFlag adds --config to a command. The file may be left out: the environment can hold everything.
func configFlag(cmd *cobra.Command) *string {
	return cmd.Flags().String("config", "", "configuration `FILE` (YAML)")
}

// warn prints what Load found strange.
func warn(cmd *cobra.Command, warnings []string) {
	for _, w := range warnings {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: warning: %s\n", name, w)
	}
}
