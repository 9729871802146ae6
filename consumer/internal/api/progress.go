package api

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"gateway-billing.internal/consumer/internal/source"
)

// ErrProgressUnknown is an answer of Options.Progress that can't be had; its text says why, and is told to who takes usage.
var ErrProgressUnknown = errors.New("not known")

const (
	// progressAge is how old what is known of the brokers may be: an older answer is as true, and says less.
	progressAge = time.Second
	// progressLimit is how long the brokers may take. Sums do not wait for them longer.
	progressLimit = 2 * time.Second
)

// progress asks how far the group is, for all who want to know at once.
type progress struct {
	ask func(context.Context) (source.Progress, error)
	log zerolog.Logger

	mu    sync.Mutex
	until time.Time // of what is known
	known completeness
	// queues are those that were ever there.
	queues map[queue]bool
}

type queue struct {
	topic, broker string
	number        int
}

// missing says whether a queue is not told of that was there before: its broker may be away, with messages that nobody
// has read.
func (p *progress) missing(found []source.QueueProgress) bool {
	now := make(map[queue]bool, len(found))
	for _, q := range found {
		now[queue{q.Topic, q.Broker, q.Queue}] = true
	}
	for q := range p.queues {
		if !now[q] {
			return true
		}
	}
	p.queues = now
	return false
}

// completeness is up to when all is recorded.
type completeness struct {
	// at is up to when all that a broker stored is recorded; the zero time where it is not known, for the reason.
	at       time.Time
	reason   string
	messages int64
	// age is that of the oldest message that is not recorded.
	age time.Duration
}

// now is how far the group is. It must be asked before what is said to be complete is read.
func (p *progress) now(ctx context.Context) completeness {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Now().Before(p.until) {
		return p.known
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), progressLimit)
	defer cancel()
	found, err := p.ask(limited)
	switch {
	case err == nil && p.missing(found.Queues):
		p.known = completeness{reason: "a broker that had queues of the topic is away"}
	case err == nil:
		p.known = completeness{at: found.CompleteUntil()}
		for _, q := range found.Queues {
			n := q.Unrecorded()
			p.known.messages += n
			if n > 0 {
				p.known.age = max(p.known.age, found.Asked.Sub(q.Oldest))
			}
		}
	case errors.Is(err, ErrProgressUnknown):
		p.known = completeness{reason: err.Error()}
	default:
		if p.known.reason == "" {
			p.log.Warn().Err(err).Msg("api: how far the group is can't be asked now")
		}
		// The error names brokers, which are nothing to who takes usage.
		p.known = completeness{reason: "the brokers can't be asked now"}
	}
	p.until = time.Now().Add(progressAge)
	if p.known.at.IsZero() {
		p.until = p.until.Add(4 * progressAge) // it takes long each time
	}
	return p.known
}
