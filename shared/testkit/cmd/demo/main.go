// Command demo sends 400 requests through the real parts (the runner, RocketMQ, the consumer, MariaDB), breaks
// things on the way, and checks by SQL of its own that each request became exactly one usage record, and that the HTTP API
// says the same. It prints what happened and exits with 1 when a figure differs. With arguments it runs them as a command
// instead, on the ledger that it made, while `billing-consumer serve` answers for it.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
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
	flag.BoolVar(&o.serve, "serve", false, "no story: keep everything running, and take requests by HTTP")
	flag.StringVar(&o.ready, "ready", "", "with -serve: write how to use it to this file once it is ready")
	flag.Parse()
	o.then = flag.Args()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	play := run
	if o.serve {
		play = serve
		if o.ready != "" {
			ctx = untilEnd(ctx, os.Stdin)
		}
	} else {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.limit)
		defer cancel()
	}
	if err := play(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// untilEnd gives a context that also ends when r does: whoever started this program holds the other end of it, and lets
// go of it by dying too.
func untilEnd(ctx context.Context, r io.Reader) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		_, _ = io.Copy(io.Discard, r) // an error is an end
	}()
	return ctx
}
