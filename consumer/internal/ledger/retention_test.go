package ledger_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"gateway-billing.internal/consumer/internal/deadletter"
	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/shared/billingkey"
)

// at is a change: the request began at that time.
func at(began time.Time) func(*record.Record) {
	return func(r *record.Record) {
		r.RequestTime = began.Truncate(time.Millisecond)
		for _, key := range []*billingkey.Key{&r.Key, &r.FingerprintKey} {
			moved, err := billingkey.NewKey(began.UnixMilli(), [16]byte(key[6:]))
			if err != nil {
				panic(err)
			}
			*key = moved
		}
	}
}

// requests are that many different ones.
func requests(n int, change ...func(*record.Record)) []record.Record {
	all := make([]record.Record, n)
	for i := range all {
		all[i] = request(someID(), change...)
	}
	return all
}

func storeOf(t *testing.T, dsn string) *ledger.Store {
	t.Helper()
	store, err := ledger.Open(ledger.Options{DSN: dsn})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

func quiet(int64) {}

// Bodies go by the time at which they were written, once, in pieces, and what interrupts it only delays it. Nothing else
// of a record changes, and better usage that comes later does not bring the body back.
func TestPruneBodies(t *testing.T) {
	dsn := migrated(t)
	db, store, w := connect(t, dsn), storeOf(t, dsn), ledgerOf(t, dsn)
	old := requests(1300, func(r *record.Record) { r.Usage.State = record.UsageMissing })
	commit(t, w, record.Unit{Records: old})
	exec(t, db, "UPDATE mq_consume_log SET create_time = NOW() - INTERVAL 31 DAY")
	young := requests(20)
	commit(t, w, record.Unit{Records: young})

	month := time.Now().AddDate(0, 0, -30)
	ctx, stop := context.WithCancel(t.Context())
	first, err := store.PruneBodies(ctx, month, func(int64) { stop() })
	if !errors.Is(err, context.Canceled) || first == 0 || first == 1300 {
		t.Fatalf("interrupted after %d: %v", first, err)
	}
	rest, err := store.PruneBodies(t.Context(), month, quiet)
	if err != nil || first+rest != 1300 {
		t.Errorf("%d and %d bodies pruned, want 1300 together: %v", first, rest, err)
	}
	if n := value[int](t, db, "SELECT COUNT(*) FROM mq_consume_log WHERE body <> ''"); n != 20 {
		t.Errorf("%d bodies are left, want those of the 20 young records", n)
	}
	if n, err := store.PruneBodies(t.Context(), month, quiet); n != 0 || err != nil {
		t.Errorf("a third time prunes %d: %v", n, err)
	}
	better := old[7]
	better.Usage.State = record.UsageExact
	if o := commit(t, w, record.Unit{Records: []record.Record{better}}); o.Raised != 1 {
		t.Fatalf("%+v, want a raise", o)
	}
	if body := value[string](t, db, "SELECT body FROM mq_consume_log WHERE billing_key = ?", better.Key[:]); body != "" {
		t.Error("a raise brought the body back")
	}
	checkSums(t, db)
}

// What was worked on goes with its audit and origins, what is pending stays whatever its age, and so do origins that a
// letter which stays shares.
func TestPruneDeadLetters(t *testing.T) {
	dsn := migrated(t)
	db, store, w := connect(t, dsn), storeOf(t, dsn), ledgerOf(t, dsn)
	reject := func(body byte, index int) record.Reject {
		return record.Reject{Origin: firstOrigin, EntryIndex: index, Reason: deadletter.ReasonNotAnEntry, Raw: []byte("7"), BodySHA256: [32]byte{body}, Occurrence: uint64(index)}
	}
	commit(t, w, record.Unit{Rejects: []record.Reject{reject(1, 1), reject(1, 2), reject(2, 1), reject(3, 1)}})
	for id, settle := range map[int]bool{1: true, 2: false, 3: true, 4: true} {
		if settle {
			if _, err := store.Discard(t.Context(), ledger.Work{ID: int64(id), Actor: "ann"}, "known"); err != nil {
				t.Fatal(err)
			}
		}
	}
	exec(t, db, "UPDATE dead_letter SET update_time = NOW() - INTERVAL 91 DAY WHERE id <> 4")
	if n, err := store.PruneDeadLetters(t.Context(), time.Now().AddDate(0, 0, -90), quiet); n != 2 || err != nil {
		t.Errorf("%d pruned, want the 2 that are old and settled: %v", n, err)
	}
	for query, want := range map[string]string{
		"SELECT GROUP_CONCAT(id ORDER BY id) FROM dead_letter":                                   "2,4",
		"SELECT GROUP_CONCAT(dead_letter_id) FROM dead_letter_audit":                             "4",
		"SELECT GROUP_CONCAT(ORD(body_sha256) ORDER BY body_sha256) FROM dead_letter_origin":     "1,3",
		"SELECT GROUP_CONCAT(ORD(body_sha256) ORDER BY body_sha256) FROM dead_letter_occurrence": "1,1,3",
	} {
		if got := value[string](t, db, query); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
}

// What lies before the horizon is gone and is never billed again, whichever way it comes: as a copy, as a redrive, as a
// preview. What is summed stays, and what lies behind the horizon is as before.
func TestPruneLedger(t *testing.T) {
	dsn := migrated(t)
	r := newRedriving(t, dsn)
	now := time.Now()
	old := requests(1100, at(now.AddDate(0, 0, -40)))
	edge, kept := requests(1, at(now.AddDate(0, 0, -30))), requests(5, at(now.AddDate(0, 0, -29)))
	commit(t, r.w, record.Unit{Records: append(append(append([]record.Record{}, old...), edge...), kept...)})
	exec(t, r.db, `INSERT INTO mq_consume_log (billing_key, key_source, key_state, batch_id, msg_id, topic, usage_state, usage_source,
		billable, billable_reason, request_time, body, create_time) VALUES
		(UNHEX(CONCAT('000000000000', REPEAT('a', 32))), 'msg_id', 'adopted', REPEAT('b', 16), 'm', 't', 'missing', 'none', 1, 'adopted', ?, '', ?),
		(UNHEX(CONCAT('000000000000', REPEAT('b', 32))), 'msg_id', 'adopted', REPEAT('b', 16), 'n', 't', 'missing', 'none', 1, 'adopted', ?, '', ?)`,
		old[0].RequestTime, old[0].RequestTime, kept[0].RequestTime, kept[0].RequestTime)
	exec(t, r.db, "INSERT INTO idempotency_claim (claim, billing_key, request_time, success) VALUES (REPEAT('a', 32), ?, ?, 1), (REPEAT('b', 32), ?, ?, 1)",
		old[0].Key[:], old[0].RequestTime, edge[0].Key[:], edge[0].RequestTime)

	horizon := edge[0].RequestTime
	if n, err := r.store.PrunableLedger(t.Context(), horizon); n != 1101 || err != nil {
		t.Errorf("%d could be pruned, want 1101: %v", n, err)
	}
	ctx, stop := context.WithCancel(t.Context())
	if n, err := r.store.PruneLedger(ctx, horizon, func(int64) { stop() }); !errors.Is(err, context.Canceled) || n >= 1101 {
		t.Errorf("interrupted after %d: %v", n, err)
	}
	if _, err := r.store.PruneLedger(t.Context(), horizon, quiet); err != nil {
		t.Fatal(err)
	}
	if n := value[int](t, r.db, "SELECT COUNT(*) FROM mq_consume_log"); n != 1+5+1 {
		t.Errorf("%d records are left, want 7", n)
	}
	if n := value[int](t, r.db, "SELECT COUNT(*) FROM idempotency_claim"); n != 1 {
		t.Errorf("%d idempotency keys are left, want 1", n)
	}

	old[3].Raw = fmt.Appendf(nil, `{"start_time":%d,"request":{"method":"POST","uri":"/"}}`, old[3].RequestTime.UnixMilli())
	again := record.Unit{Body: []byte("again"), Records: []record.Record{old[3], edge[0], kept[0]}}
	foreseen, err := r.store.NewPreview().Units(t.Context(), []record.Unit{again})
	if err != nil || foreseen[0].Fate != ledger.FateRejected || foreseen[1].Fate != ledger.FateDuplicate {
		t.Errorf("a preview says %+v: %v", foreseen, err)
	}
	if o := commit(t, r.w, again); o.Rejected != 1 || o.Duplicate != 2 {
		t.Errorf("copies of a pruned and of two kept records: %+v", o)
	}
	if reason := value[string](t, r.db, "SELECT reason FROM dead_letter"); reason != deadletter.ReasonBeforeHorizon {
		t.Errorf("the pruned one is a dead letter with reason %s", reason)
	}
	if n := value[int](t, r.db, "SELECT SUM(records) FROM usage_delta"); n != 1106 {
		t.Errorf("%d requests are summed, want 1106 as before", n)
	}
	if done := r.redrive(t, 1); done.Status != deadletter.Pending || !strings.Contains(done.Detail, "fails again: before_horizon") {
		t.Errorf("a redrive: %+v", done)
	}
}

// A horizon never cuts off what may still come or what nobody has looked at.
func TestPruneLedgerRefuses(t *testing.T) {
	dsn := migrated(t)
	store, w := storeOf(t, dsn), ledgerOf(t, dsn)
	if _, err := store.PruneLedger(t.Context(), time.Now().Add(-47*time.Hour), quiet); err == nil {
		t.Error("a horizon of yesterday is taken")
	}
	key, err := billingkey.NewKey(time.Now().AddDate(0, 0, -50).UnixMilli(), [16]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	commit(t, w, record.Unit{Rejects: []record.Reject{{Origin: firstOrigin, Reason: deadletter.ReasonPoison, Raw: []byte("{}"), Key: &key}}})
	if _, err := store.PruneLedger(t.Context(), time.Now().AddDate(0, 0, -40), quiet); !errors.Is(err, ledger.ErrPending) {
		t.Errorf("with a pending dead letter: %v, want ErrPending", err)
	}
	db := connect(t, dsn)
	if h := value[sql.NullTime](t, db, "SELECT horizon FROM retention WHERE kind = 'ledger'"); h.Valid {
		t.Errorf("the horizon is %s after refusals", h.Time)
	}
}

// Who may not delete everything that goes moves no horizon, for it rejects entries from then on.
func TestPruneLedgerWithoutItsRights(t *testing.T) {
	dsn := migrated(t)
	db, w := connect(t, dsn), ledgerOf(t, dsn)
	commit(t, w, record.Unit{Records: requests(1, at(time.Now().AddDate(0, 0, -50)))})
	store := storeOf(t, asUser(t, db, dsn, "SELECT, INSERT, UPDATE ON *", "DELETE ON mq_consume_log")) // and none on idempotency_claim

	horizon := time.Now().AddDate(0, 0, -40)
	_, foreseen := store.PrunableLedger(t.Context(), horizon)
	_, done := store.PruneLedger(t.Context(), horizon, quiet)
	for _, err := range []error{foreseen, done} {
		if err == nil || !strings.Contains(err.Error(), "DELETE on idempotency_claim") {
			t.Errorf("%v", err)
		}
	}
	if h := value[sql.NullTime](t, db, "SELECT horizon FROM retention WHERE kind = 'ledger'"); h.Valid {
		t.Errorf("the horizon is %s", h.Time)
	}
	if n := value[int](t, db, "SELECT COUNT(*) FROM mq_consume_log"); n != 1 {
		t.Errorf("%d records are left of 1", n)
	}
}

// Copies that keep coming while the ledger is pruned are never recorded, and summed, a second time.
func TestPruneLedgerWhileCopiesCome(t *testing.T) {
	dsn := migrated(t)
	db, store := connect(t, dsn), storeOf(t, dsn)
	w := ledgerOf(t, dsn, func(o *ledger.Options) { o.Writers = 4; o.MaxRows = 50 })
	old := requests(1500, at(time.Now().AddDate(0, 0, -10)))
	commit(t, w, record.Unit{Records: old})

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var copying sync.WaitGroup
	for part := range 4 {
		copying.Go(func() {
			for i := part * 100; ctx.Err() == nil; i++ {
				unit := record.Unit{Body: []byte{byte(i)}, Records: append([]record.Record{}, old[i%1400:i%1400+50]...)}
				if _, err := w.Commit(ctx, unit); err != nil && ctx.Err() == nil {
					t.Error(err)
				}
			}
		})
	}
	deleted, err := store.PruneLedger(t.Context(), time.Now().AddDate(0, 0, -9), quiet)
	stop()
	copying.Wait()
	if err != nil || deleted != 1500 {
		t.Errorf("%d deleted, want 1500: %v", deleted, err)
	}
	left := value[int](t, db, "SELECT COUNT(*) FROM mq_consume_log")
	summed := value[int](t, db, "SELECT SUM(records) FROM usage_delta")
	if left != 0 || summed != 1500 {
		t.Errorf("%d records are left, %d requests are summed, want 0 and 1500", left, summed)
	}
}
