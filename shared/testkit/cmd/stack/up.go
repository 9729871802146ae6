package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"gateway-billing.internal/shared/testkit/stack"
)

func stateFile(dir string) string { return filepath.Join(dir, "state.json") }

// readyFile is where the command that runs on the stack tells how to use it, once it is ready.
func readyFile(dir string) string { return filepath.Join(dir, "ready") }

// serve holds a stack until it is told to end, and runs the command on it, if there is one. The command gets
// -ready FILE as its last arguments; its standard input ends when this process does, however that happens.
func serve(ctx context.Context, dir string, command []string) error {
	return stack.Serve(ctx, stateFile(dir), stack.Options{}, func(ctx context.Context, s *stack.Stack) error {
		if len(command) == 0 {
			<-ctx.Done()
			return nil
		}
		cmd := exec.CommandContext(ctx, command[0], append(command[1:], "-ready", readyFile(dir))...)
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		cmd.Env = append(os.Environ(), s.Environ()...)
		cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
		cmd.WaitDelay = commandLimit
		hold, err := cmd.StdinPipe()
		if err != nil {
			return err
		}
		defer hold.Close()
		if err := cmd.Run(); err != nil && ctx.Err() == nil {
			return fmt.Errorf("%s: %w", command[0], err)
		}
		return nil
	})
}

// commandLimit is how long the command may take to end.
const commandLimit = time.Minute

// up starts this program again, as serve in the background, and waits until its stack and the command on it are ready.
func up(ctx context.Context, dir string, command []string, out io.Writer) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if state, err := stack.ReadState(stateFile(dir)); err != nil || state != nil {
		if state != nil {
			describe(out, state, readyText(dir))
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
	if err := os.Remove(readyFile(dir)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err // of one that was killed
	}
	cmd := exec.Command(program, append([]string{"serve", "-dir", dir, "--"}, command...)...)
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
		text := readyText(dir)
		if state, err := stack.ReadState(stateFile(dir)); err == nil && state != nil && (text != "" || len(command) == 0) {
			describe(out, state, text)
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

// readyText is what the command wrote when it was ready, "" before.
func readyText(dir string) string {
	text, err := os.ReadFile(readyFile(dir))
	if err != nil {
		return ""
	}
	return string(text)
}

func describe(out io.Writer, state *stack.State, ready string) {
	fmt.Fprintf(out, `RocketMQ and MariaDB are running. Data and logs are in %s.

  export %s='%s'
  export %s='%s'

go test finds them by itself. Stop everything with make down.
`, state.Dir, stack.NameServerEnv, state.NameServers, stack.DatabaseEnv, state.DSN)
	if ready != "" {
		fmt.Fprintf(out, "\n%s", ready)
	}
}

func down(dir string, out io.Writer) error {
	ran, err := stack.Down(stateFile(dir))
	if err == nil && !ran {
		fmt.Fprintln(out, "Nothing is running.")
	}
	return err
}
