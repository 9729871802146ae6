package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"gateway-billing.internal/shared/testkit/chaos/faults"
	"gateway-billing.internal/shared/testkit/chaos/schedule"
	"gateway-billing.internal/shared/testkit/gateway"
)

// senders is how many requests are under way at once.
const senders = 4

// injected counts faults by kind, and writes each down when it begins.
type injected struct {
	mu    sync.Mutex
	log   *os.File
	start time.Time
	kinds map[string]int
	// seen are the consumers' counters, see fleet.Sample.
	seen map[string]float64
}

func (i *injected) tell(kind string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.kinds[kind]++
	fmt.Fprintf(i.log, "%s %6.1f s  %s\n", time.Now().UTC().Format(time.RFC3339Nano), time.Since(i.start).Seconds(), kind)
}

// storm is the time of traffic and faults. Everything is healed when it returns, and nothing is sent any more.
func (p *parts) storm(ctx context.Context, o options) (*injected, error) {
	log, err := os.Create(filepath.Join(p.dir, "faults.log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	in := &injected{log: log, start: time.Now(), kinds: map[string]int{}}
	if err := p.fleet.Scale(1); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	over, done := context.WithTimeout(ctx, o.duration)
	defer done()

	all := map[string]func() error{
		"traffic": func() error { return p.send(over, o.rate) },
		"scaling": func() error { return p.scale(over, o.duration, in) },
	}
	mq := p.servers.RocketMQ
	for _, lane := range []struct {
		schedule.Lane
		faults map[string]schedule.Fault
	}{
		{faults.Consumers(), faults.OfConsumers(p.fleet)},
		{faults.API(), faults.OfAPI(p.api)},
		{faults.Database(), faults.OfDatabase(p.servers.Database, p.proxy, p.admin)},
		{faults.Broker(), faults.OfBroker(mq.Broker, mq.NameServer, p.runner)},
	} {
		all[lane.Name] = func() error {
			tell := func(step schedule.Step) { in.tell(step.Kind) }
			return schedule.Run(over, lane.Plan(o.seed, o.duration), lane.faults, tell)
		}
	}
	var running sync.WaitGroup
	for name, part := range all {
		running.Go(func() {
			if err := part(); err != nil {
				cancel(fmt.Errorf("%s: %w", name, err))
			}
		})
	}
	running.Go(func() { in.seen = p.fleet.Sample(over) })
	running.Go(func() {
		select {
		case err := <-p.fleet.Failed():
			cancel(err)
		case err := <-p.api.Failed():
			cancel(err)
		case <-over.Done():
		}
	})
	running.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	return in, nil
}

// send sends requests at the rate.
func (p *parts) send(ctx context.Context, rate int) error {
	requests := make(chan gateway.Request)
	var sending sync.WaitGroup
	failed := make(chan error, senders)
	for range senders {
		sending.Go(func() {
			for request := range requests {
				// Without the end of the run: a request that was begun is also logged.
				if _, err := p.gateway.Do(context.WithoutCancel(ctx), request); err != nil {
					failed <- err
				}
			}
		})
	}
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	for ctx.Err() == nil && len(failed) == 0 {
		<-tick.C
		requests <- p.clients.Next()
	}
	close(requests)
	sending.Wait()
	close(failed)
	return errors.Join(<-failed)
}

// scale has the group grow to three consumers and shrink to two while messages flow.
func (p *parts) scale(ctx context.Context, duration time.Duration, in *injected) error {
	for _, to := range []int{3, 2} {
		timer := time.NewTimer(duration / 3)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil
		}
		in.tell(fmt.Sprintf("scale to %d consumers", to))
		if err := p.fleet.Scale(to); err != nil {
			return err
		}
	}
	return nil
}
