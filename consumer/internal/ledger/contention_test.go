package ledger_test

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/ledger/coalesce"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/sql/billingdb"
)

// faults counts the attempts that failed.
type faults struct {
	mu    sync.Mutex
	count map[string]int
}

func (r *faults) Committed(int, time.Duration) {}

func (r *faults) Retried(fault string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count == nil {
		r.count = map[string]int{}
	}
	r.count[fault]++
}

func (r *faults) of(fault string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count[fault]
}

// Transactions that hold the same keys wait for each other: keys are sorted, READ COMMITTED takes no locks between them,
// and rows that are there are looked up instead of inserted. Few deadlock then; more than half do on MySQL without the
// first two, and nearly half on MariaDB without the last.
func TestSameKeysInEveryOrder(t *testing.T) {
	dsn := migrated(t)
	db := connect(t, dsn)
	seen := &faults{}
	many := func(o *ledger.Options) { o.Writers, o.MaxRows, o.Observer = 4, 60, seen }
	writers := []*ledger.Writer{ledgerOf(t, dsn, many), ledgerOf(t, dsn, many)}
	all := make([]record.Record, 600)
	for i := range all {
		all[i] = request(someID())
	}
	const workers, each = 8, 40
	var wg sync.WaitGroup
	for worker := range workers {
		random := rand.New(rand.NewPCG(21, uint64(worker)))
		wg.Go(func() {
			for range each {
				var u record.Unit
				for _, i := range random.Perm(len(all))[:50] {
					u.Records = append(u.Records, all[i])
				}
				commit(t, writers[worker%2], u)
			}
		})
	}
	wg.Wait()
	if n := seen.of("contention"); n > workers*each/6 {
		t.Errorf("%d attempts at %d transactions ended in a deadlock", n, workers*each)
	}
	if rows := value[int](t, db, "SELECT COUNT(*) FROM mq_consume_log"); rows != len(all) {
		t.Errorf("%d rows of %d requests", rows, len(all))
	}
	checkSums(t, db)
}

// A row that somebody holds longer than the lock wait (error 1205) is waited for, and recorded once.
func TestRowThatIsHeldLong(t *testing.T) {
	dsn := migrated(t)
	db := connect(t, dsn)
	seen := &faults{}
	w := ledgerOf(t, dsn, func(o *ledger.Options) { o.Observer = seen })
	held := request(someID())
	commit(t, w, unit(held))
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if err := tx.QueryRow("SELECT id FROM mq_consume_log WHERE billing_key = ? FOR UPDATE", held.Key[:]).Scan(new(int64)); err != nil {
		t.Fatal(err)
	}
	done := make(chan ledger.Outcome, 1)
	go func() { done <- commit(t, w, unit(held, request(someID()))) }()
	await(t, func() bool { return seen.of("contention") > 0 })
	tx.Rollback()
	wantOutcome(t, <-done, ledger.Outcome{Recorded: 1, Duplicate: 1})
	checkSums(t, db)
}

// The generated insert bears one key twice in a statement, and says how many rows are new.
func TestOneKeyTwiceInAStatement(t *testing.T) {
	dsn := migrated(t)
	db := connect(t, dsn)
	key := request(someID()).Key
	batch := coalesce.New(db, coalesce.Limits{Statement: 1 << 20, Row: 1 << 20})
	for range 3 {
		if err := billingdb.New(batch).InsertRecord(t.Context(), billingdb.InsertRecordParams{
			BillingKey: key[:], BatchID: make([]byte, 16), RequestTime: start,
		}); err != nil {
			t.Fatal(err)
		}
	}
	inserted, err := batch.Flush(t.Context())
	if err != nil || inserted != 1 {
		t.Errorf("%d rows inserted, %v; want 1", inserted, err)
	}
}
