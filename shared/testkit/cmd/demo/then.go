package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// then runs a command beside `billing-consumer serve`, on the ledger that the story has left. Its environment says where the
// API is, and has two tokens: one for everything, and one for usage and records of one APISIX consumer.
func then(ctx context.Context, command []string, p *parts, url string) error {
	if len(command) == 0 {
		return nil
	}
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), "BILLING_API_URL="+url, "BILLING_API_TOKEN="+p.token, "BILLING_API_TOKEN_OF_ONE="+p.tokenOfOne)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", command[0], err)
	}
	return nil
}
