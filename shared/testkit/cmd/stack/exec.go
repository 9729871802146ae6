package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"

	"gateway-billing.internal/shared/testkit/stack"
)

// execute runs a command on a stack of its own. Signals that come while the command runs are the command's to answer;
// one that comes before ends the start.
func execute(command []string) (err error) {
	if len(command) == 0 {
		return errNoCommand
	}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, forwarded...)
	defer signal.Stop(signals)

	s, err := startUntil(signals)
	if err != nil {
		return err
	}
	defer func() {
		if stopped := s.Stop(); stopped != nil {
			err = errors.Join(err, stopped)
		}
	}()

	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), s.Environ()...)
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case sig := <-signals:
			forward(cmd, sig)
		case err := <-ended:
			return err
		}
	}
}

func startUntil(signals <-chan os.Signal) (*stack.Stack, error) {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	started := make(chan struct{})
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		select {
		case sig := <-signals:
			cancel(fmt.Errorf("got the signal %q", sig))
		case <-started:
		}
	}()
	s, err := stack.Start(ctx, stack.Options{})
	close(started)
	<-watching
	return s, err
}
