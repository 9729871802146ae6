// Package replay owns the second way in: messages that are read again, from the topic by time or from a file, and taken
// through the same flow as those of the group. Whatever was recorded is a duplicate, so a replay may be repeated, stopped
// and overlap with anything. It commits no offset of the group.
package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/time/rate"

	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/source"
)

// Input gives messages in batches.
type Input interface {
	// Next gives the next batch, io.EOF when nothing is left. A batch may be empty. After any other error the same call
	// may be made again.
	Next(ctx context.Context) ([]source.Message, error)
	// Position is behind the last batch.
	Position() Position
	// Done says how far it is, of how much, for a person.
	Done() string
}

// Handle takes a batch all the way. nil says that all of it is committed.
type Handle func(ctx context.Context, batch []source.Message) (Summary, error)

// Summary counts what became of the messages: Entries = Recorded + Duplicate + Conflict + Rejected.
type Summary struct {
	Messages int `json:"messages"`
	ledger.Outcome
	// Reasons are those of the rejected ones, as far as they were rejected before the database.
	Reasons map[string]int `json:"reasons,omitempty"`
}

func (s *Summary) add(more Summary) {
	s.Messages += more.Messages
	o, m := &s.Outcome, more.Outcome
	o.Entries, o.Recorded, o.Duplicate, o.Conflict = o.Entries+m.Entries, o.Recorded+m.Recorded, o.Duplicate+m.Duplicate, o.Conflict+m.Conflict
	o.Rejected, o.Raised = o.Rejected+m.Rejected, o.Raised+m.Raised
	for reason, n := range more.Reasons {
		if s.Reasons == nil {
			s.Reasons = map[string]int{}
		}
		s.Reasons[reason] += n
	}
}

// Options say how a replay runs.
type Options struct {
	// Rate is the most messages a second; 0 for no limit.
	Rate float64
	// Save keeps a position from which the replay can go on; nil for none. It is called behind the commit of all that
	// stands before the position.
	Save func(Position) error
	// Tell is told how far it is, about every Every.
	Tell  func(done string, sum Summary)
	Every time.Duration
	// Grace is how long a batch that is under way is waited for when ctx ends.
	Grace time.Duration
}

// retryPause is how long the network or the broker is left alone after it failed.
const retryPause = time.Second

// Run reads the input to its end, or until ctx ends: then what is under way is finished, and the error is ctx's. The
// summary is of what was handled.
func Run(ctx context.Context, in Input, handle Handle, o Options) (sum Summary, err error) {
	limit := rate.NewLimiter(rate.Inf, 0)
	if o.Rate > 0 {
		limit = rate.NewLimiter(rate.Limit(o.Rate), 1)
	}
	working, stop := outlive(ctx, o.Grace)
	defer stop()
	told := time.Now()
	for ctx.Err() == nil {
		batch, err := in.Next(ctx)
		switch {
		case errors.Is(err, io.EOF):
			return sum, nil
		case errors.Is(err, ErrInput):
			return sum, err
		case err != nil:
			if ctx.Err() != nil {
				return sum, ctx.Err()
			}
			o.Tell("waiting: "+err.Error(), sum)
			sleep(ctx, retryPause)
			continue
		}
		for range batch { // a limit takes its tokens one by one
			if err := limit.Wait(ctx); err != nil {
				return sum, err
			}
		}
		if len(batch) > 0 {
			more, err := handle(working, batch)
			if err != nil {
				return sum, err
			}
			sum.add(more)
		}
		if o.Save != nil {
			if err := o.Save(in.Position()); err != nil {
				return sum, fmt.Errorf("keep the position: %w", err)
			}
		}
		if time.Since(told) >= o.Every {
			told = time.Now()
			o.Tell(in.Done(), sum)
		}
	}
	return sum, ctx.Err()
}

// outlive is a context that ends some time after ctx.
func outlive(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		sleep(longer, grace)
		cancel()
	})
	return longer, func() { stop(); cancel() }
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
