package ledger

import (
	"context"
	"fmt"
	"time"

	"gateway-billing.internal/consumer/internal/deadletter"
)

const (
	// asksHorizon is how old an entry must be for its transaction to ask for the horizon: no horizon is ever younger than
	// minHorizonAge, so the flow of every day pays nothing. What lies between the two is how far apart clocks may be.
	asksHorizon   = 24 * time.Hour
	minHorizonAge = 48 * time.Hour
)

// rejectPruned makes rejects of the records that lie before the ledger's horizon: whether they are billed already cannot
// be told any more. Until the transaction ends the horizon can't move, so no row that it meets is pruned meanwhile.
func (t *transaction) rejectPruned(ctx context.Context, items []*item) error {
	old := time.Now().Add(-asksHorizon).UnixMilli()
	for _, it := range items {
		if it.candidate == nil || it.candidate.rec.Key.StartMS() >= old {
			continue
		}
		horizon, err := t.q.LockHorizon(ctx)
		if err != nil {
			return err
		}
		rejectBefore(horizon.Time, items)
		return nil
	}
	return nil
}

// rejectBefore makes rejects of the records whose requests began before the horizon, zero for none. A horizon never goes
// back, so they stay rejects.
func rejectBefore(horizon time.Time, items []*item) {
	if horizon.IsZero() {
		return
	}
	for _, it := range items {
		if it.candidate == nil || it.candidate.rec.Key.StartMS() >= horizon.UnixMilli() {
			continue
		}
		it.reject = rejectOf(it.unit, it.candidate.rec, deadletter.ReasonBeforeHorizon,
			fmt.Sprintf("the ledger was pruned up to %s", horizon.UTC().Format(time.RFC3339)))
		it.candidate = nil
	}
}
