// Command chaos sends traffic through the real parts while it hurts them by a seeded schedule: it kills, pauses and
// scales consumers, breaks the database, the way to it and the broker, resends, mixes and poisons messages, and lets
// clients forge and steal. At the end it holds every record against the truth. It exits with 1 when one differs.
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

	"github.com/go-sql-driver/mysql"

	"gateway-billing.internal/shared/testkit/chaos/traffic"
)

func main() {
	var o options
	flag.StringVar(&o.runner, "runner", ".build/bin/billing-runner", "the runner's binary")
	flag.StringVar(&o.consumer, "consumer", ".build/bin/chaos/billing-consumer", "the consumer's binary, built with -tags chaos")
	flag.StringVar(&o.logs, "logs", ".build/chaos", "directory for what a run leaves when it fails")
	flag.Uint64Var(&o.seed, "seed", 0, "of traffic and faults; 0 takes one from the clock")
	flag.DurationVar(&o.duration, "duration", 3*time.Minute, "how long traffic and faults last")
	flag.IntVar(&o.rate, "rate", 200, "requests a second")
	profile := flag.String("profile", string(traffic.Default), "default, or old-gateway: entries without the billing object")
	flag.StringVar(&o.database, "database", "mariadb", "the database to run on")
	flag.Parse()
	o.profile = traffic.Profile(*profile)
	if o.seed == 0 {
		o.seed = uint64(time.Now().UnixNano()) % 1e6
	}
	// What the driver prints about broken connections is what this program is for.
	if err := mysql.SetLogger(&mysql.NopLogger{}); err != nil {
		panic(err)
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		if !errors.Is(err, errDiffers) {
			fmt.Fprintln(os.Stderr, "chaos:", err)
		}
		fmt.Fprintf(os.Stderr, "chaos: FAILED with seed %d (make chaos SEED=%d)\n", o.seed, o.seed)
		os.Exit(1)
	}
}
