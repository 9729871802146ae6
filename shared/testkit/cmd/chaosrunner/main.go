// Command chaosrunner sends requests through the stand-in for APISIX to a real billing-runner while it ends and holds that,
// cuts and slows its connections, sends it what is no frame, and changes the configurations of its plugin. At the end each
// stamp must be the request's own and numbered once, `billing-consumer gaps` must list exactly the numbers that reached no
// log, and the runner must have given back what it took: connections, goroutines, descriptors, memory. It exits with 1 when
// something is not so.
package main

import (
	"context"
	"errors"
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
	flag.DurationVar(&o.duration, "duration", 3*time.Minute, "how long the storm lasts")
	flag.IntVar(&o.rate, "rate", 200, "requests a second")
	flag.IntVar(&o.restarts, "restarts", 50, "how often the runner is ended")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		if !errors.Is(err, errDiffers) {
			fmt.Fprintln(os.Stderr, "chaosrunner:", err)
		}
		os.Exit(1)
	}
}
