package ledger_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"

	"gateway-billing.internal/consumer/internal/gaps"
	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/shared/billingkey"
)

// numbered is a change: the request brought that number of a run.
func numbered(runner string, epoch billingkey.Epoch, n uint64) func(*record.Record) {
	return func(r *record.Record) {
		r.Arrived = &record.StampInfo{Runner: runner, Epoch: epoch, Sequence: n, Verified: true}
	}
}

// Whatever the order in which numbers arrive, how often, in which company, and while two fold at once: the gaps are the
// numbers that never came, and in the end each run is one row a range.
func TestGapsWhileFolding(t *testing.T) {
	dsn := migrated(t)
	db := connect(t, dsn)
	store, err := ledger.Open(ledger.Options{DSN: dsn})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	w := ledgerOf(t, dsn, func(o *ledger.Options) { o.Writers = 4 })

	const numbers = 3000
	random := rand.New(rand.NewPCG(5, 6))
	epochs := []billingkey.Epoch{billingkey.NewEpoch(start, 1), billingkey.NewEpoch(start, 2)}
	lost := map[billingkey.Epoch][]uint64{}
	var records []record.Record
	for _, e := range epochs {
		for n := uint64(1); n <= numbers; n++ {
			if n < numbers && random.IntN(10) == 0 {
				lost[e] = append(lost[e], n)
				continue
			}
			for range 1 + random.IntN(2) {
				records = append(records, request(someID(), numbered("r1", e, n)))
			}
		}
	}
	random.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })

	ctx, stop := context.WithCancel(t.Context())
	var folding, writing sync.WaitGroup
	for range 2 {
		folding.Go(func() {
			behind := int64(0)
			for ctx.Err() == nil {
				var err error
				if behind, err = store.FoldStamps(ctx, behind); err != nil && ctx.Err() == nil && !contention(err) {
					t.Error(err)
				}
			}
		})
	}
	for part := range slices.Chunk(records, 40) {
		writing.Go(func() { commit(t, w, unit(part...)) })
	}
	writing.Wait()
	// While they still fold, every read sees all numbers.
	for range 20 {
		checkGaps(t, store, lost)
	}
	stop()
	folding.Wait()
	if _, err := store.FoldStamps(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	checkGaps(t, store, lost)
	ranges := 0
	for _, n := range lost {
		ranges++
		for i := range n {
			if i == 0 || n[i] != n[i-1]+1 {
				ranges++
			}
		}
		if n[0] == 1 {
			ranges--
		}
	}
	if rows := value[int](t, db, "SELECT COUNT(*) FROM stamp_seen"); rows != ranges {
		t.Errorf("%d rows for %d ranges", rows, ranges)
	}
}

func checkGaps(t *testing.T, store *ledger.Store, lost map[billingkey.Epoch][]uint64) {
	t.Helper()
	seen, err := store.StampsSeen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, run := range gaps.Find(seen, 0) {
		var missing []uint64
		for _, g := range run.Gaps {
			for n := g.First; n <= g.Last; n++ {
				missing = append(missing, n)
			}
		}
		if !slices.Equal(missing, lost[run.Epoch]) {
			t.Fatalf("run %s: %d numbers are missing, want %d", run.Epoch, len(missing), len(lost[run.Epoch]))
		}
	}
}

// A number has arrived whatever became of its entry.
func TestRejectedEntrysNumberArrives(t *testing.T) {
	w, db := fresh(t)
	epoch := billingkey.NewEpoch(start, 1)
	reject := garbage("bad", "m")
	reject.Arrived = &record.StampInfo{Runner: "r1", Epoch: epoch, Sequence: 2, Verified: true}
	first := request(someID(), numbered("r1", epoch, 1))
	stranger := request([16]byte(first.Key[6:]), numbered("r1", epoch, 3), func(r *record.Record) { r.Consumer = new("bob") })
	commit(t, w, record.Unit{Records: []record.Record{first, first, stranger}, Rejects: []record.Reject{reject}})
	if got := value[string](t, db, "SELECT GROUP_CONCAT(CONCAT(first_sequence, '-', last_sequence)) FROM stamp_seen"); got != "1-3" {
		t.Errorf("arrived are %s, want 1-3", got)
	}
}

// contention says whether an error is that of a transaction which another was in the way of: folding is tried again.
func contention(err error) bool {
	e, ok := errors.AsType[*mysql.MySQLError](err)
	return ok && (e.Number == 1213 || e.Number == 1205 || e.Number == 1020)
}
