// Command demo sends some hundred requests through the real parts (the runner, RocketMQ, the consumer, MariaDB), breaks
// things on the way, and checks by SQL of its own that each request became exactly one usage record. It prints what
// happened and exits with 1 when a figure differs.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	var o options
	flag.StringVar(&o.runner, "runner", ".build/bin/billing-runner", "the runner's binary")
	flag.StringVar(&o.consumer, "consumer", ".build/bin/billing-consumer", "the consumer's binary")
	flag.IntVar(&o.requests, "requests", 400, "how many requests to send")
	flag.Uint64Var(&o.seed, "seed", 1, "of the requests' order and token counts")
	flag.DurationVar(&o.limit, "limit", 3*time.Minute, "give up after this time")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, o.limit)
	defer cancel()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}
