package pipeline

import (
	"context"
	"fmt"
	"slices"

	"gateway-billing.internal/consumer/internal/chaospoint"
	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/consumer/internal/source"
)

// Committer stores what messages became. It returns without an error only when all of it is committed, with an outcome for
// each of them, and waits while that is not possible.
type Committer interface {
	CommitAll(ctx context.Context, units []record.Unit) ([]ledger.Outcome, error)
}

// Observer is told what became of each message, for metrics. It must not keep the unit.
type Observer interface {
	MessageCommitted(unit *record.Unit, outcome ledger.Outcome)
}

// Flow takes messages all the way: derive, commit, verdict. Start comes before the first message.
type Flow struct {
	Deriver  *Deriver
	Ledger   Committer
	Observer Observer

	workers *workers
}

// Start starts what derives, until stop is called.
func (f *Flow) Start() (stop func()) {
	f.workers = startWorkers(f.Deriver)
	return f.workers.stop
}

// Handle records messages. No error is the verdict "acknowledge": it stands behind the commit and nowhere else. Errors are
// by message: the context's when it ends before, a panic, or that the ledger's word does not add up; such a message is not
// acknowledged.
func (f *Flow) Handle(ctx context.Context, messages []source.Message) (errs []error) {
	units, errs := f.workers.units(messages)
	chaospoint.Reach(chaospoint.AfterDecode)
	outcomes, err := f.Ledger.CommitAll(ctx, units)
	if err != nil {
		return slices.Repeat([]error{err}, len(messages))
	}
	chaospoint.Reach(chaospoint.BeforeAck)
	at := 0
	for i := range messages {
		if errs[i] != nil {
			continue
		}
		unit, outcome := &units[at], outcomes[at]
		at++
		f.Observer.MessageCommitted(unit, outcome)
		if err := Balanced(unit, outcome); err != nil {
			errs[i] = fmt.Errorf("message %s: %w", messages[i].MsgID, err)
		}
	}
	return errs
}

// Balanced says whether each entry of a unit is accounted for, once.
func Balanced(unit *record.Unit, outcome ledger.Outcome) error {
	entries := len(unit.Records) + len(unit.Rejects)
	if sum := outcome.Recorded + outcome.Duplicate + outcome.Conflict + outcome.Rejected; sum != entries {
		return fmt.Errorf("%d entries, but %d accounted for", entries, sum)
	}
	return nil
}
