package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"gateway-billing.internal/shared/testkit/stack"
)

func stateFile(dir string) string { return filepath.Join(dir, "state.json") }

// serve holds a stack until it is told to end.
func serve(ctx context.Context, dir string) error {
	return stack.Serve(ctx, stateFile(dir), stack.Options{})
}

// up starts this program again, as serve in the background, and waits until its stack is ready.
func up(ctx context.Context, dir string, out io.Writer) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if state, err := stack.ReadState(stateFile(dir)); err != nil || state != nil {
		if state != nil {
			describe(out, state)
		}
		return err
	}
	// Downloads belong to this call: they may take minutes, and their errors are for who waits here.
	if err := stack.Prepare(ctx); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	logPath := filepath.Join(dir, "log")
	log, err := os.Create(logPath)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(program, "serve", "-dir", dir)
	cmd.Stdout, cmd.Stderr = log, log
	detach(cmd)
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if state, err := stack.ReadState(stateFile(dir)); err == nil && state != nil {
			describe(out, state)
			return nil
		}
		select {
		case err := <-ended:
			text, _ := os.ReadFile(logPath)
			return fmt.Errorf("the stack did not start: %w\n%s", err, text)
		case <-ctx.Done():
			// serve ends what it started.
			return errors.Join(ctx.Err(), cmd.Process.Signal(os.Interrupt), <-ended)
		case <-tick.C:
		}
	}
}

func describe(out io.Writer, state *stack.State) {
	fmt.Fprintf(out, `RocketMQ and MariaDB are running. Data and logs are in %s.

  export %s='%s'
  export %s='%s'

go test finds them by itself. Stop them with make down.
`, state.Dir, stack.NameServerEnv, state.NameServers, stack.DatabaseEnv, state.DSN)
}

func down(dir string, out io.Writer) error {
	ran, err := stack.Down(stateFile(dir))
	if err == nil && !ran {
		fmt.Fprintln(out, "Nothing is running.")
	}
	return err
}
