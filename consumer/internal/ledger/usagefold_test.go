package ledger_test

import (
	"context"
	"database/sql"
	"strings"
	"sync"
	"testing"
	"time"

	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/record"
)

// Two processes fold while others write and raise: the hourly sums and what waits are together the sums of the records, and
// in the end nothing waits.
func TestFoldUsageWhileWritersRun(t *testing.T) {
	dsn := migrated(t)
	db := connect(t, dsn)
	few := func(o *ledger.Options) { o.Writers, o.MaxRows = 2, 16 }
	writer := ledgerOf(t, dsn, few)
	var stores []*ledger.Store
	for range 2 {
		s, err := ledger.Open(ledger.Options{DSN: dsn})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		stores = append(stores, s)
	}
	fold := func(s *ledger.Store) int {
		n, err := s.FoldUsage(t.Context())
		if err != nil {
			t.Error(err)
		}
		return n
	}
	done := make(chan struct{})
	var folders, writers sync.WaitGroup
	for _, s := range stores {
		folders.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					fold(s)
				}
			}
		})
	}
	for worker := range 4 {
		writers.Go(func() {
			for i := range 40 {
				r := request(someID())
				if i%2 == 0 { // NULL and empty are two names
					r.Consumer = nil
				} else if worker == 0 {
					r.Consumer = new(string)
				}
				commit(t, writer, record.Unit{Records: []record.Record{withoutBody(r)}})
				commit(t, writer, record.Unit{Records: []record.Record{r}}) // raises it
			}
		})
	}
	written := make(chan struct{})
	go func() { writers.Wait(); close(written) }()
	for running := true; running; { // one statement reads all three tables as they are at one moment
		checkSums(t, db)
		select {
		case <-written:
			running = false
		default:
		}
	}
	close(done)
	folders.Wait()
	fold(stores[0])
	if n := value[int](t, db, "SELECT COUNT(*) FROM usage_delta"); n != 0 {
		t.Errorf("%d deltas are left", n)
	}
	checkSums(t, db)
}

// Names that differ in spaces at their end alone stay two, and amounts as large as any that are taken can be summed: what a
// client or an upstream chose neither joins sums nor stops the fold.
func TestFoldUsageOfOddNamesAndAmounts(t *testing.T) {
	dsn := migrated(t)
	db, store, w := connect(t, dsn), storeOf(t, dsn), ledgerOf(t, dsn)
	for _, model := range []string{"m", "m ", "m  ", ""} {
		commit(t, w, unit(request(someID(), func(r *record.Record) {
			r.Usage.Model = &model
			for range 12 {
				r.Usage.Quantities = append(r.Usage.Quantities, record.Quantity{Unit: "credit", Amount: strings.Repeat("9", 18)})
			}
		})))
	}
	commit(t, w, unit(request(someID(), func(r *record.Record) {
		r.Usage.Quantities = []record.Quantity{{Unit: "credit", Amount: strings.Repeat("9", 19)}}
	})))
	if n := value[int](t, db, "SELECT COUNT(*) FROM mq_consume_log WHERE marks = 'bad:quantities'"); n != 1 {
		t.Errorf("%d records whose amount no sum could hold, want 1, recorded and marked", n)
	}
	if _, err := store.FoldUsage(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := value[int](t, db, "SELECT COUNT(*) FROM usage_delta"); n != 0 {
		t.Errorf("%d deltas are left", n)
	}
	if n := value[int](t, db, "SELECT COUNT(DISTINCT HEX(model)) FROM usage_hourly WHERE unit = 'request'"); n != 5 {
		t.Errorf("%d models in the sums, want 5", n)
	}
	if n := value[int](t, db, "SELECT COUNT(*) FROM dead_letter"); n != 0 {
		t.Errorf("%d dead letters", n)
	}
}

// A delta that somebody has locked, as a writer that is stuck has, keeps nobody from folding the others, however many they are: a
// fold takes part in no lock but that of its own deltas.
func TestFoldUsageBesideLockedDeltas(t *testing.T) {
	dsn := migrated(t)
	db, store := connect(t, dsn), storeOf(t, dsn)
	for _, total := range []int{3, 600, 1001, 2001, 5001} {
		exec(t, db, "DELETE FROM usage_delta")
		exec(t, db, `INSERT INTO usage_delta (quarter, consumer, billable, unit, quantity, records)
			WITH RECURSIVE n AS (SELECT 0 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 99)
			SELECT '2026-11-24 08:00:00', CONCAT('c', c.i), 1, 'request', 1, 1 FROM n AS a CROSS JOIN n AS b CROSS JOIN n AS c LIMIT ?`, total)
		tx, err := db.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelReadCommitted})
		if err != nil {
			t.Fatal(err)
		}
		for _, end := range []string{"MIN", "MAX"} {
			if _, err := tx.Exec("UPDATE usage_delta SET records = records WHERE id = (SELECT id FROM (SELECT " + end + "(id) AS id FROM usage_delta) AS the)"); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second) // less than a lock is waited for
		if n, err := store.FoldUsage(ctx); err != nil || n != total-2 {
			t.Errorf("%d deltas, two of them locked: folded %d, %v", total, n, err)
		}
		cancel()
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
	}
}
