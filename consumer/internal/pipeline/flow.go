package pipeline

import (
	"context"
	"fmt"

	"gateway-billing.internal/consumer/internal/chaospoint"
	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/consumer/internal/source"
)

// Committer stores what one message became. It returns nil only when all of it is committed, and waits while that is
// not possible.
type Committer interface {
	Commit(ctx context.Context, unit record.Unit) (ledger.Outcome, error)
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

// Handle records one message. nil is the verdict "acknowledge": it stands behind the commit and nowhere else. The error
// is the context's when it ends before, or says that the ledger's word does not add up; in both cases the message is
// not acknowledged.
func (f *Flow) Handle(ctx context.Context, m source.Message) error {
	unit := f.workers.unit(m)
	chaospoint.Reach(chaospoint.AfterDecode)
	outcome, err := f.Ledger.Commit(ctx, unit)
	if err != nil {
		return err
	}
	chaospoint.Reach(chaospoint.BeforeAck)
	f.Observer.MessageCommitted(&unit, outcome)
	if err := Balanced(&unit, outcome); err != nil {
		return fmt.Errorf("message %s: %w", m.MsgID, err)
	}
	return nil
}

// Balanced says whether each entry of a unit is accounted for, once.
func Balanced(unit *record.Unit, outcome ledger.Outcome) error {
	entries := len(unit.Records) + len(unit.Rejects)
	if sum := outcome.Recorded + outcome.Duplicate + outcome.Conflict + outcome.Rejected; sum != entries {
		return fmt.Errorf("%d entries, but %d accounted for", entries, sum)
	}
	return nil
}
