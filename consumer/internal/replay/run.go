package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/pipeline"
	"gateway-billing.internal/consumer/internal/record"
)

// What is in flight at most: messages, and bytes of bodies.
const (
	maxInFlight  = 512
	maxBytes     = 64 << 20
	saveInterval = time.Second
)

// Options say how a replay runs.
type Options struct {
	Deriver *pipeline.Deriver
	Ledger  pipeline.Committer
	// Rate is the most messages a second; rate.Inf for no limit.
	Rate rate.Limit
	// Save keeps a state, nil to keep none.
	Save func(*State) error
	// Drain is how long what is in flight may take when ctx ends.
	Drain time.Duration
}

// ErrInterrupted: ctx ended before the input did. What was read is committed, unless the drain took too long.
var ErrInterrupted = errors.New("interrupted")

// Run is one replay.
type Run struct {
	options Options
	input   Input

	mu    sync.Mutex
	state *State
}

// New makes a replay that goes on from a state; input must begin at its positions.
func New(o Options, input Input, from *State) *Run {
	return &Run{options: o, input: input, state: from.clone()}
}

// State is how far the replay is. What it counts is committed.
func (r *Run) State() *State {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state.clone()
}

// flight is one message between being read and being committed.
type flight struct {
	item    Item
	outcome ledger.Outcome
	reasons map[string]int64
	err     error
	done    chan struct{}
}

// Do replays the input to its end. When it returns, nothing is in flight and the state is saved, whatever the error: the
// input's, the ledger's or that of saving, or ErrInterrupted.
func (r *Run) Do(ctx context.Context) error {
	if err := r.save(); err != nil {
		return err // before anything is read: where the position can't be kept, the whole would be read again
	}
	reading, stop := context.WithCancel(ctx)
	defer stop()
	// What is in flight outlives ctx by the time of the drain.
	work, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	defer context.AfterFunc(ctx, func() {
		select {
		case <-time.After(r.options.Drain):
			giveUp()
		case <-work.Done():
		}
	})()

	order := make(chan *flight, maxInFlight)
	settled := make(chan error, 1)
	go func() { settled <- r.settle(order, stop) }()
	err := r.read(reading, work, order)
	close(order)
	failed := <-settled
	saved := r.save()
	switch {
	case ctx.Err() != nil && (errors.Is(failed, context.Canceled) || failed == nil && err != nil):
		return errors.Join(ErrInterrupted, saved)
	case failed != nil:
		return errors.Join(failed, saved)
	}
	return errors.Join(err, saved)
}

// read reads the input and lets each message be recorded, as many at once as may be in flight.
func (r *Run) read(ctx, work context.Context, order chan<- *flight) error {
	pace := rate.NewLimiter(r.options.Rate, 1)
	room := semaphore.NewWeighted(maxBytes)
	for {
		if err := pace.Wait(ctx); err != nil {
			return err
		}
		item, err := r.input.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		size := min(int64(len(item.Body))+maxBytes/maxInFlight, maxBytes)
		if err := room.Acquire(ctx, size); err != nil {
			return err
		}
		f := &flight{item: item, done: make(chan struct{})}
		go func() {
			defer close(f.done)
			defer room.Release(size)
			f.record(work, r.options)
		}()
		order <- f
	}
}

func (f *flight) record(ctx context.Context, o Options) {
	unit := f.item.unit(o.Deriver)
	for i := range unit.Rejects {
		if f.reasons == nil {
			f.reasons = map[string]int64{}
		}
		f.reasons[unit.Rejects[i].Reason]++
	}
	outcomes, err := o.Ledger.CommitAll(ctx, []record.Unit{unit})
	if f.err = err; err == nil {
		f.outcome = outcomes[0]
		f.err = pipeline.Balanced(&unit, f.outcome)
	}
	if f.err != nil {
		f.err = fmt.Errorf("%s: %w", f.item.name(), f.err)
	}
	f.item.Body = nil
}

// settle waits for the messages in their order, moves the position behind each, and saves the state now and then. Before
// the first that failed the position stays; stop ends the reading then.
func (r *Run) settle(order <-chan *flight, stop func()) (failed error) {
	saved := time.Now()
	for f := range order {
		<-f.done
		if failed != nil {
			continue
		}
		if failed = f.err; failed != nil {
			stop()
			continue
		}
		r.mu.Lock()
		r.state.Totals.add(f.outcome, f.reasons)
		r.state.Positions[f.item.Lane] = f.item.Behind
		r.mu.Unlock()
		if time.Since(saved) >= saveInterval {
			saved = time.Now()
			if failed = r.save(); failed != nil {
				stop()
			}
		}
	}
	return failed
}

func (r *Run) save() error {
	if r.options.Save == nil {
		return nil
	}
	if err := r.options.Save(r.State()); err != nil {
		return fmt.Errorf("save the position: %w", err)
	}
	return nil
}
