package replay

import (
	"context"
	"sync"

	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/pipeline"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/consumer/internal/source"
)

// Commit handles batches as run handles messages: all at once, each committed.
func Commit(deriver *pipeline.Deriver, ledger pipeline.Committer) Handle {
	return func(ctx context.Context, batch []source.Message) (sum Summary, err error) {
		var mu sync.Mutex
		var working sync.WaitGroup
		for _, m := range batch {
			working.Go(func() {
				unit := deriver.Unit(m.Origin, m.Body)
				outcome, failed := ledger.Commit(ctx, unit)
				mu.Lock()
				defer mu.Unlock()
				if failed != nil {
					err = failed
					return
				}
				sum.add(summary(&unit, outcome))
			})
		}
		working.Wait()
		return sum, err
	}
}

// Preview handles batches without changing anything.
func Preview(deriver *pipeline.Deriver, store *ledger.Store) Handle {
	return func(ctx context.Context, batch []source.Message) (sum Summary, err error) {
		units := make([]record.Unit, len(batch))
		for i, m := range batch {
			units[i] = deriver.Unit(m.Origin, m.Body)
			sum.add(summary(&units[i], ledger.Outcome{}))
		}
		outcome, err := store.Preview(ctx, units)
		sum.Outcome = outcome
		return sum, err
	}
}

func summary(unit *record.Unit, outcome ledger.Outcome) Summary {
	sum := Summary{Messages: 1, Outcome: outcome}
	for i := range unit.Rejects {
		if sum.Reasons == nil {
			sum.Reasons = map[string]int{}
		}
		sum.Reasons[unit.Rejects[i].Reason]++
	}
	return sum
}
