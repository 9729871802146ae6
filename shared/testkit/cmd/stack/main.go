// Command stack runs the servers of package stack for other programs: one command long (exec), or until they are
// stopped (up, down).
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"gateway-billing.internal/shared/testkit/stack"
)

const usage = `Usage: stack COMMAND

  up [-dir DIR] [-- CMD [ARG]…]
                       start RocketMQ and MariaDB in the background, and CMD on them, and leave them running; CMD gets
                       -ready FILE as well, and writes to FILE how to use it once it is ready
  down [-dir DIR]      stop them
  exec -- CMD [ARG]…   start them, run CMD with ` + stack.NameServerEnv + ` and
                       ` + stack.DatabaseEnv + ` set, stop them, and exit with CMD's exit code
  prepare              only install and download what they need; exit code 3 where ` + stack.KindEnv + `
                       is mysql and this machine can't get one

DIR keeps the state and the log of what up started (default: .build/stack of the checkout).
`

var errNoCommand = errors.New("no command: see stack help")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout)
	if exit, ok := err.(*exec.ExitError); ok && exit.ExitCode() > 0 { //nolint:errorlint // a joined error has more to say
		os.Exit(exit.ExitCode()) // the command of exec has said why
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "stack:", err)
	}
	switch {
	case errors.Is(err, stack.ErrNoMySQL):
		os.Exit(3)
	case err != nil:
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		return errNoCommand
	}
	name, args := args[0], args[1:]
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.Usage = func() { fmt.Fprint(flags.Output(), usage) }
	dir := flags.String("dir", defaultDir(), "")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	if *dir == "" && (name == "up" || name == "serve" || name == "down") {
		return errors.New("this is no checkout of the project: say where to keep the state by -dir")
	}
	switch name {
	case "up":
		return up(ctx, *dir, flags.Args(), out)
	case "serve": // what up leaves running
		return serve(ctx, *dir, flags.Args())
	case "down":
		return down(*dir, out)
	case "exec":
		return execute(flags.Args())
	case "prepare":
		return stack.Prepare(ctx)
	case "help", "-h", "-help", "--help":
		fmt.Fprint(out, usage)
		return nil
	}
	return fmt.Errorf("unknown command %q: see stack help", name)
}

// defaultDir is where tests look for a stack that was left running; "" outside a checkout.
func defaultDir() string {
	if file := stack.StateFile(); file != "" {
		return filepath.Dir(file)
	}
	return ""
}
