// Command bench measures the built binaries on a real RocketMQ and a real database, both started for it: how fast a full
// topic becomes committed rows, how near that is to what database and broker allow by themselves, what it costs in CPU
// and memory, how soon a single request is recorded, and what the runner adds to a request beside one that does nothing.
//
// Every ratio has both sides in one run, in turn, and is of the medians. It prints a table and lines of the form
// BENCH name=… value=… unit=…, and writes the results page where -page names a file.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"gateway-billing.internal/shared/testkit/stack"
)

// options are the command line.
type options struct {
	consumer, runner, noop string
	server                 string
	requests, backlog      int
	hang                   time.Duration
	rounds                 int
	warm                   time.Duration
	page                   string
	parts                  string
}

func main() {
	var o options
	flag.StringVar(&o.consumer, "consumer", ".build/bin/billing-consumer", "the consumer's binary")
	flag.StringVar(&o.runner, "runner", ".build/bin/billing-runner", "the runner's binary")
	flag.StringVar(&o.noop, "noop", ".build/bin/noop-runner", "the binary of the runner that does nothing")
	flag.StringVar(&o.server, "database", string(stack.MariaDB), "the database to run on: mariadb or mysql")
	flag.IntVar(&o.requests, "n", 100_000, "requests in a topic")
	flag.IntVar(&o.backlog, "backlog", 500_000, "messages in the topic that memory is measured on")
	flag.DurationVar(&o.hang, "hang", 20*time.Second, "how long the database hangs while memory is measured in an outage")
	flag.IntVar(&o.rounds, "rounds", 3, "how often each side is measured; its median counts")
	flag.DurationVar(&o.warm, "warm", 15*time.Second, "how long requests flow before latency is measured; 0 for a try, on a broker that starts fast and is slow")
	flag.StringVar(&o.page, "page", "", "file of the results page to write, Markdown; none by default")
	flag.StringVar(&o.parts, "parts", allParts, "what is measured; a page needs all")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
