package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"gateway-billing.internal/shared/testkit/stack"
)

// allParts are the parts of a run, in their order.
const allParts = "latency,throughput,memory,outage,runner"

// queues is how many the topics have.
const queues = 8

// bench is one run: its servers, its directory and what it has found so far.
type bench struct {
	options
	out     io.Writer
	stack   *stack.Stack
	dir     string
	traffic *traffic
	results results
	// names counts databases and groups, so that each gets a name of its own.
	names int
}

// brokerJVM are those of a broker in production, with less memory: it compiles what it runs often.
var brokerJVM = []string{"-Xms1g", "-Xmx1g", "-XX:MaxDirectMemorySize=1g", "-XX:+UseG1GC"}

func run(ctx context.Context, o options, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "billing-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b := &bench{options: o, out: out, dir: dir}
	if b.traffic, err = newTraffic(); err != nil {
		return err
	}
	// Room for the rows of a round, as a server in production has: else the disk under it is what is measured.
	args := []string{"--innodb-buffer-pool-size=1G", "--innodb-log-file-size=512M"}
	if o.server == string(stack.MySQL) {
		args = []string{"--innodb-buffer-pool-size=1G", "--innodb-redo-log-capacity=1G"}
	}
	var rocketMQ stack.RocketMQOptions
	if o.warm > 0 {
		rocketMQ.BrokerJVM = brokerJVM
	}
	if b.stack, err = stack.StartPrivate(ctx, stack.Options{RocketMQ: rocketMQ, Database: stack.Kind(o.server), DatabaseArgs: args}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.stack.Stop()) }()
	start := time.Now()
	for _, part := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"latency", b.latency}, // first: behind a flood the database still writes its pages
		{"throughput", b.throughput},
		{"memory", b.memory},
		{"outage", b.outage},
		{"runner", b.runnerBeside},
	} {
		if !slices.Contains(strings.Split(o.parts, ","), part.name) {
			continue
		}
		fmt.Fprintf(out, "%6.1f s  %s\n", time.Since(start).Seconds(), part.name)
		if err := part.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	fmt.Fprintf(out, "%6.1f s  done\n\n", time.Since(start).Seconds())
	b.results.derive()
	b.results.print(out)
	if o.page != "" {
		return os.WriteFile(o.page, b.page(), 0o644)
	}
	return nil
}

// name is a new name of a database, topic or group.
func (b *bench) name(what string) string {
	b.names++
	return fmt.Sprintf("bench_%s_%d", what, b.names)
}
