package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"gateway-billing.internal/shared/testkit/chaos/check"
	"gateway-billing.internal/shared/testkit/chaos/taker"
	"gateway-billing.internal/shared/testkit/chaos/traffic"
	"gateway-billing.internal/shared/testkit/programs"
)

type options struct {
	runner, consumer string
	logs             string
	seed             uint64
	duration         time.Duration
	rate             int
	profile          traffic.Profile
	database         string
}

const (
	// settleLimit is how long the system may take to come to rest when everything is healed.
	settleLimit = 6 * time.Minute
	settleTick  = 100 * time.Millisecond
)

var errDiffers = errors.New("what was recorded is not what happened")

// run is one chaos run. Whatever it starts it also stops, on every way out; its logs stay only when it fails.
func run(ctx context.Context, o options, out io.Writer) (err error) {
	if o.profile != traffic.Default && o.profile != traffic.OldGateway {
		return fmt.Errorf("there is no profile %q", o.profile)
	}
	fmt.Fprintf(out, "chaos: seed %d, %s, profile %s, %s of traffic and faults\n", o.seed, o.database, o.profile, o.duration)
	p, err := startParts(ctx, o)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, p.Stop())
		if err != nil {
			fmt.Fprintf(out, "logs are in %s\n", p.dir)
			return
		}
		err = os.RemoveAll(p.dir)
	}()
	follow := p.follow(ctx)
	injected, err := p.storm(ctx, o)
	if err != nil {
		return errors.Join(err, follow(ctx))
	}
	metrics, err := p.settle(ctx)
	if err := errors.Join(err, follow(ctx)); err != nil {
		return err
	}
	gaps, err := programs.Gaps(ctx, p.consumer, p.config)
	if err != nil {
		return err
	}
	usage, err := programs.AskUsage(ctx, p.consumer, p.config)
	if err != nil {
		return err
	}
	answer, err := p.askAPI(ctx)
	if err != nil {
		return err
	}
	report, err := check.All(ctx, check.Run{
		DB: p.admin, Book: p.book, Keys: p.keys, Profile: o.profile, Taker: p.taker, Client: p.client, Metrics: metrics,
		Gaps: gaps, Usage: usage, Answer: answer,
	})
	if err != nil {
		return err
	}
	tell(out, p, injected, report)
	if len(report.Differences) > 0 {
		return errDiffers
	}
	return nil
}

// settle waits until everything that was sent is acknowledged, drains the consumers, and returns the counters that they
// had at the end.
func (p *parts) settle(ctx context.Context) (metrics map[string]float64, err error) {
	ctx, cancel := context.WithTimeout(ctx, settleLimit)
	defer cancel()
	if err := p.gateway.Flush(ctx); err != nil {
		return nil, fmt.Errorf("send what the gateway still has: %w", err)
	}
	if stats := p.gateway.Stats(); stats.Dropped > 0 {
		return nil, fmt.Errorf("the gateway dropped %d entries", stats.Dropped)
	}
	if err := p.await(ctx, "all messages to be acknowledged", func() error {
		written, err := p.servers.RocketMQ.MaxOffsets(ctx, topic)
		if err != nil {
			return err
		}
		read, err := p.servers.RocketMQ.CommittedOffsets(ctx, group, topic)
		if err == nil && !slices.Equal(read, written) {
			err = fmt.Errorf("acknowledged up to %d of %d", read, written)
		}
		return err
	}); err != nil {
		return nil, err
	}
	if err := p.await(ctx, "the consumers' metrics", func() error {
		metrics, err = p.fleet.Metrics(ctx)
		return err
	}); err != nil {
		return nil, err
	}
	if err := p.await(ctx, "all changes to be numbered", func() error {
		n, err := taker.Unnumbered(ctx, p.admin)
		if err == nil && n > 0 {
			err = fmt.Errorf("%d have no number", n)
		}
		return err
	}); err != nil {
		return nil, err
	}
	return metrics, p.fleet.Stop()
}

// follow starts to follow the ledger, by SQL and by HTTP. What it returns ends that, and takes what is left.
func (p *parts) follow(ctx context.Context) (end func(context.Context) error) {
	p.taker, p.client = taker.New(p.admin), taker.NewClient(p.api.API, p.token)
	following, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { p.taker.Follow(following) })
	running.Go(func() { p.client.Follow(following) })
	return func(ctx context.Context) error {
		stop()
		running.Wait()
		return errors.Join(p.taker.Poll(ctx), p.client.Poll(ctx))
	}
}

// askAPI asks the HTTP API for the sums of all time, and ends it.
func (p *parts) askAPI(ctx context.Context) (answer []byte, err error) {
	url, err := p.api.API(ctx)
	if err != nil {
		return nil, err
	}
	answer, err = programs.Ask(ctx, url+"/v1/usage?from=2000-01-01T00:00:00Z&to=2090-01-01T00:00:00Z&by=consumer,model", p.token)
	return answer, errors.Join(err, p.api.Stop())
}

// await asks until done has no error, and fails where a consumer did.
func (p *parts) await(ctx context.Context, what string, done func() error) error {
	tick := time.NewTicker(settleTick)
	defer tick.Stop()
	for {
		notYet := done()
		if notYet == nil {
			return nil
		}
		select {
		case <-tick.C:
		case err := <-p.fleet.Failed():
			return err
		case err := <-p.api.Failed():
			return err
		case <-ctx.Done():
			return fmt.Errorf("waited for %s: %w (%w)", what, notYet, context.Cause(ctx))
		}
	}
}
