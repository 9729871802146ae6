// Command billing-consumer turns the log entries that APISIX sends to RocketMQ into usage records, exactly one for each
// request. See package cli for its commands.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"gateway-billing.internal/consumer/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal asks for a drain. From then on signals act as usual, so a second one ends the process at once.
	context.AfterFunc(ctx, stop)
	os.Exit(cli.Run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Environ()))
}
