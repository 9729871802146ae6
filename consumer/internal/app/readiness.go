package app

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/source"
)

const (
	// probeInterval is how often the database is asked, so that an idle consumer notices an outage too.
	probeInterval = 2 * time.Second
	// probeLimit is how long it may take to answer.
	probeLimit = 3 * time.Second
)

// readiness collects why the consumer would make no progress now.
type readiness struct {
	store *ledger.Store
	// messages is nil where none are read.
	messages *source.Source
	starting atomic.Bool
	// database is what the last probe found, nil when the database answered.
	database atomic.Pointer[error]
}

func newReadiness(store *ledger.Store, messages *source.Source) *readiness {
	r := &readiness{store: store, messages: messages}
	r.starting.Store(true)
	return r
}

// started ends the start: the schema is checked, messages are read.
func (r *readiness) started() { r.starting.Store(false) }

// watch probes the database until ctx ends.
func (r *readiness) watch(ctx context.Context) {
	ticker := time.NewTicker(probeInterval)
	defer ticker.Stop()
	for {
		limited, cancel := context.WithTimeout(ctx, probeLimit)
		err := r.store.Check(limited)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			err = fmt.Errorf("no answer within %.0f s", probeLimit.Seconds())
		}
		r.database.Store(&err)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// databaseUp says whether the last probe found a database that takes records.
func (r *readiness) databaseUp() bool {
	err := r.database.Load()
	return err != nil && *err == nil
}

// reasons does not block.
func (r *readiness) reasons() []string {
	var reasons []string
	if err := r.database.Load(); err != nil && *err != nil {
		reasons = append(reasons, fmt.Sprintf("database: %v", *err))
	} else if r.starting.Load() {
		reasons = append(reasons, "starting")
	}
	if r.messages == nil {
		return reasons
	}
	for _, reason := range r.messages.State().Reasons {
		reasons = append(reasons, "rocketmq: "+reason)
	}
	return reasons
}
