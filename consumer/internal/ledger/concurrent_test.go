package ledger_test

import (
	"math/rand/v2"
	"sync"
	"testing"

	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/record"
)

// Many messages at once, over keys that overlap, in two processes' worth of writers: each request ends up as one
// record, and the sums are those of the records.
func TestManyWritersOfTheSameRequests(t *testing.T) {
	dsn := migrated(t)
	db := connect(t, dsn)
	many := func(o *ledger.Options) { o.Writers, o.MaxRows = 4, 64 }
	writers := []*ledger.Writer{ledgerOf(t, dsn, many), ledgerOf(t, dsn, many)}
	const requests, messages = 400, 300
	all := make([]record.Record, requests)
	for i := range all {
		all[i] = request(someID())
		if i%5 == 0 {
			all[i].Consumer = nil
		}
	}
	var mu sync.Mutex
	var sum ledger.Outcome
	var wg sync.WaitGroup
	for worker := range 8 {
		random := rand.New(rand.NewPCG(7, uint64(worker)))
		wg.Go(func() {
			for range messages / 8 {
				var u record.Unit
				for range random.IntN(30) + 1 {
					r := all[random.IntN(requests)]
					switch random.IntN(4) {
					case 0:
						r = withoutBody(r)
					case 1:
						r.RouteID = nil
					}
					u.Records = append(u.Records, r)
				}
				o := commit(t, writers[worker%2], u)
				mu.Lock()
				sum.Entries += o.Entries
				sum.Recorded += o.Recorded
				sum.Duplicate += o.Duplicate
				sum.Conflict += o.Conflict
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	rows := value[int](t, db, "SELECT COUNT(*) FROM mq_consume_log")
	duplicates := value[int](t, db, "SELECT SUM(duplicates) FROM mq_consume_log")
	if rows != sum.Recorded || duplicates != sum.Duplicate || sum.Conflict != 0 || rows+duplicates != sum.Entries {
		t.Errorf("%d rows with %d duplicates, outcomes %+v", rows, duplicates, sum)
	}
	checkSums(t, db)
}
