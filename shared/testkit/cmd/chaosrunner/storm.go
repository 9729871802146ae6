package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"gateway-billing.internal/shared/testkit/chaos/socket"
	"gateway-billing.internal/shared/testkit/gateway"
)

// senders is how many requests are under way at once.
const senders = 8

// storm is what was done.
type storm struct {
	requests, vandals  int
	discarded, dropped int            // entries: thrown away, and lost in all
	ends               map[string]int // of the runner, by signal
	largest            resources      // seen of any run
}

// storm has requests flow for the duration while everything is hurt. When it returns all that the gateways had is sent or
// thrown away. The last quarter is without restarts, so that one run lives long.
func (p *parts) storm(ctx context.Context, o options) (*storm, error) {
	s := &storm{}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	over, done := context.WithTimeout(ctx, o.duration)
	defer done()
	var running sync.WaitGroup
	part := func(name string, work func() error) {
		running.Go(func() {
			if err := work(); err != nil {
				cancel(fmt.Errorf("%s: %w", name, err))
			}
		})
	}
	part("traffic", func() error { return p.traffic(over, o, s) })
	part("restarts", func() (err error) {
		s.ends, err = socket.Restarts(over, p.runner, o.restarts, o.duration*3/4)
		return err
	})
	part("vandals", func() error {
		s.vandals = socket.Vandals(over, p.runner.Socket(), o.duration/time.Duration(20*max(o.restarts, 10)))
		return nil
	})
	part("resources", func() error { s.largest = p.sample(over); return nil })
	running.Wait()
	return s, context.Cause(ctx)
}

// sent is a request and the gateway that takes it.
type sent struct {
	to      *generation
	request gateway.Request
}

// traffic sends requests at the rate, and has the gateway read a new configuration about as often as the runner is ended.
func (p *parts) traffic(ctx context.Context, o options, s *storm) error {
	requests, failed := make(chan sent), make(chan error, senders)
	var sending sync.WaitGroup
	for range senders {
		sending.Go(func() {
			for r := range requests {
				// Without the end of the storm: a request that was begun is also logged.
				if _, err := r.to.Do(context.WithoutCancel(ctx), r.request); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	all, err := p.offer(ctx, o, s, requests)
	close(requests)
	sending.Wait()
	close(failed)
	errs := []error{err, <-failed}
	for _, g := range all {
		errs = append(errs, g.Flush(context.WithoutCancel(ctx)))
		s.dropped += g.Stats().Dropped
	}
	if s.dropped != s.discarded {
		errs = append(errs, fmt.Errorf("%d entries were dropped, and %d thrown away", s.dropped, s.discarded))
	}
	return errors.Join(errs...)
}

// offer makes the requests until ctx ends, and returns all gateways that they go to.
func (p *parts) offer(ctx context.Context, o options, s *storm, requests chan<- sent) (all []*generation, err error) {
	tick := time.NewTicker(time.Second / time.Duration(o.rate))
	defer tick.Stop()
	change := time.NewTicker(o.duration / time.Duration(o.restarts+1))
	defer change.Stop()
	g, err := p.newGeneration(0)
	for err == nil {
		select {
		case <-ctx.Done():
			return append(all, g), nil
		case <-change.C:
			// An APISIX that gets SIGTERM throws away what its logger holds; one that quits sends it.
			if all = append(all, g); rand.IntN(3) == 0 {
				s.discarded += g.Discard()
			}
			g, err = p.newGeneration(len(all))
		case <-tick.C:
			s.requests++
			select {
			case requests <- sent{g, p.request(g, s.requests)}:
			case <-ctx.Done():
			}
		}
	}
	return all, err
}
