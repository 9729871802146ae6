package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"gateway-billing.internal/shared/testkit/chaos/numbers"
	"gateway-billing.internal/shared/testkit/chaos/socket"
	"gateway-billing.internal/shared/testkit/programs"
)

type options struct {
	runner, consumer string
	duration         time.Duration
	rate, restarts   int
}

// restLimit is how long everything may take to come to rest.
const restLimit = 3 * time.Minute

var errDiffers = errors.New("the numbers are not as they must be")

// run is one run. Whatever it starts it also stops, on every way out.
func run(ctx context.Context, o options, out io.Writer) (err error) {
	fmt.Fprintf(out, "chaosrunner: %s, %d requests a second, %d restarts\n", o.duration, o.rate, o.restarts)
	p, err := startParts(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Stop()) }()
	fresh, err := p.fresh(ctx)
	if err != nil {
		return err
	}
	s, err := p.storm(ctx, o)
	if err != nil {
		return err
	}
	figures, err := p.ways.Figures()
	if err != nil {
		return err
	}
	p.ways.Close()
	last, err := p.givenBack(ctx, fresh)
	if err != nil {
		return err
	}
	if err := p.settle(ctx); err != nil {
		return err
	}
	gaps, err := programs.Gaps(ctx, o.consumer, p.config)
	if err != nil {
		return err
	}
	// A request whose plugin runs twice, before and behind a restart, leaves a number of the run before to nobody.
	overtaken := senders * (s.ends["KILL"] + s.ends["TERM"])
	v, err := p.book.Judge(gaps, figures.Failed+overtaken)
	if err != nil {
		return err
	}
	if err := p.compare(ctx, &v); err != nil {
		return err
	}
	if s.largest.connections == 0 {
		v.Differences = append(v.Differences, "the runner was never seen at work")
	}
	if s.largest.rssMiB > mostMemory {
		v.Differences = append(v.Differences, fmt.Sprintf("the runner held %.0f MiB", s.largest.rssMiB))
	}
	tell(out, s, figures, fresh, last, v)
	if len(v.Differences) > 0 {
		return errDiffers
	}
	return nil
}

// settle waits until everything that was sent is acknowledged.
func (p *parts) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, restLimit)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		written, err := p.servers.RocketMQ.MaxOffsets(ctx, p.name)
		if err != nil {
			return err
		}
		read, err := p.servers.RocketMQ.CommittedOffsets(ctx, p.name, p.name)
		if err != nil {
			return err
		}
		if slices.Equal(read, written) {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("acknowledged up to %d of %d: %w", read, written, ctx.Err())
		}
		if err := p.consumer.Check(); err != nil {
			return err
		}
	}
}

// compare holds the ledger against what arrived.
func (p *parts) compare(ctx context.Context, v *numbers.Verdict) error {
	var records, verified int
	err := p.db.QueryRowContext(ctx, "SELECT COUNT(*), COALESCE(SUM(key_state = 'verified'), 0) FROM mq_consume_log").Scan(&records, &verified)
	if err != nil {
		return err
	}
	if records != v.Logged || verified != v.Arrived {
		v.Differences = append(v.Differences, fmt.Sprintf("the ledger has %d records, %d of them verified; logged were %d requests, with %d stamps",
			records, verified, v.Logged, v.Arrived))
	}
	return nil
}

func tell(out io.Writer, s *storm, f socket.Figures, fresh, last resources, v numbers.Verdict) {
	fmt.Fprintf(out, "the runner was ended %d times by KILL, %d by TERM, and held %d times; %d runs of it are known\n",
		s.ends["KILL"], s.ends["TERM"], s.ends["STOP"], v.Epochs)
	fmt.Fprintf(out, "requests %d: %d stamped, %d not; calls %d, of them failed %d; %d vandals\n",
		s.requests, v.Given, v.Unstamped, f.Calls, f.Failed, s.vandals)
	fmt.Fprintf(out, "logged %d, with %d stamps; thrown away by gateways %d; numbers missing %d\n", v.Logged, v.Arrived, s.discarded, v.Missing)
	fmt.Fprintf(out, "a call took p50 %s, p90 %s, p99 %s, at most %s\n", f.P50, f.P90, f.P99, f.Max)
	fmt.Fprintf(out, "%-12s %12s %12s %12s %10s %10s\n", "the runner", "connections", "goroutines", "descriptors", "heap MiB", "RSS MiB")
	for _, r := range []struct {
		when string
		resources
	}{{"fresh", fresh}, {"at most", s.largest}, {"at rest", last}} {
		fmt.Fprintf(out, "%-12s %12.0f %12.0f %12.0f %10.1f %10.1f\n", r.when, r.connections, r.goroutines, r.descriptors, r.heapMiB, r.rssMiB)
	}
	const shown = 5
	for _, difference := range v.Differences[:min(shown, len(v.Differences))] {
		fmt.Fprintln(out, difference)
	}
	if n := len(v.Differences); n > 0 {
		fmt.Fprintf(out, "%d differences\n", n)
		return
	}
	fmt.Fprintln(out, "ok: each stamp opens, is its request's own and numbered once; gaps lists exactly the numbers that reached no log")
}
