package ledger_test

import (
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gateway-billing.internal/consumer/internal/deadletter"
	"gateway-billing.internal/consumer/internal/identity"
	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/pipeline"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/consumer/internal/redact"
	"gateway-billing.internal/shared/billingkey"
)

// redriving is a ledger with a store beside its writer, and what makes records.
type redriving struct {
	w       *ledger.Writer
	store   *ledger.Store
	db      *sql.DB
	deriver *pipeline.Deriver
}

func newRedriving(t *testing.T, dsn string) *redriving {
	t.Helper()
	keys, err := billingkey.ParseKeys("")
	if err != nil {
		t.Fatal(err)
	}
	store, err := ledger.Open(ledger.Options{DSN: dsn})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return &redriving{
		w: ledgerOf(t, dsn), store: store, db: connect(t, dsn),
		deriver: &pipeline.Deriver{Keys: keys, Rules: identity.Rules{Tolerance: time.Second}, Body: redact.New(redact.Redacted, nil, nil)},
	}
}

// refuse lets the database refuse every record, and take them again when the function that it returns is called.
func (r *redriving) refuse(t *testing.T) (mend func()) {
	exec(t, r.db, "CREATE TRIGGER refuse BEFORE INSERT ON mq_consume_log FOR EACH ROW SET NEW.uri = REPEAT('x', 3000)")
	return func() { exec(t, r.db, "DROP TRIGGER refuse") }
}

func (r *redriving) redrive(t *testing.T, id int64) ledger.Worked {
	t.Helper()
	done, err := r.store.Redrive(t.Context(), ledger.Work{ID: id, Actor: "ann@ops"}, r.deriver.Redrive)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// refused commits the body while the database refuses its records, and returns the ids of the dead letters.
func (r *redriving) refused(t *testing.T, origin record.Origin, body string) []int64 {
	t.Helper()
	mend := r.refuse(t)
	commit(t, r.w, r.deriver.Unit(origin, []byte(body)))
	mend()
	letters, err := r.store.DeadLetters(t.Context(), deadletter.Filter{To: time.Now().Add(time.Hour), Status: deadletter.Pending, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	var ids []int64
	for _, l := range letters {
		ids = append(ids, l.ID)
	}
	return ids
}

var firstOrigin = record.Origin{Topic: "test-apisix", Tags: "t", MsgID: "m1", Broker: "broker-a", Queue: 3, Offset: 9}

// Entries that are told apart only by their place in the message get the keys that they would have had there, and what
// else says where they came from; the message itself finds all of them recorded.
func TestRedriveGivesTheKeyOfTheWholeMessage(t *testing.T) {
	r := newRedriving(t, migrated(t))
	entry := copyOf("default", "neither", "", "")
	body := "[" + entry + "," + entry + "," + entry + "]"
	want := r.deriver.Unit(firstOrigin, []byte(body))
	ids := r.refused(t, firstOrigin, body)
	if len(ids) != 3 {
		t.Fatalf("dead letters %v, want 3", ids)
	}
	for i := range ids {
		// In another order than that of the message.
		if done := r.redrive(t, ids[len(ids)-1-i]); done.Status != deadletter.Redriven || done.Outcome.Recorded != 1 {
			t.Fatalf("%+v", done)
		}
	}
	for _, rec := range want.Records {
		origin := value[string](t, r.db, `SELECT CONCAT_WS(' ', topic, tags, msg_id, queue_id, queue_offset, entry_index)
			FROM mq_consume_log WHERE billing_key = ?`, rec.Key[:])
		if origin != fmt.Sprintf("test-apisix t m1 3 9 %d", rec.EntryIndex) {
			t.Errorf("entry %d comes from %s", rec.EntryIndex, origin)
		}
	}
	wantOutcome(t, commit(t, r.w, want), ledger.Outcome{Duplicate: 3})
	checkSums(t, r.db)
}

// Entries that could not even be read before are told apart too.
func TestRedriveOfEqualEntriesThatCouldNotBeRead(t *testing.T) {
	r := newRedriving(t, migrated(t))
	commit(t, r.w, r.deriver.Unit(firstOrigin, []byte(`[7,8,7]`)))
	// Stands for a version of the decoder that can read them.
	entry := []byte(copyOf("default", "neither", "", ""))
	for id := range int64(3) {
		done, err := r.store.Redrive(t.Context(), ledger.Work{ID: id + 1}, func(l *deadletter.Letter) record.Unit {
			l.Raw = entry
			return r.deriver.Redrive(l)
		})
		if err != nil || done.Status != deadletter.Redriven {
			t.Fatalf("%+v %v", done, err)
		}
	}
	// 8 stands for another request; here it is the same as the first 7.
	if n := value[int](t, r.db, "SELECT COUNT(*) FROM mq_consume_log"); n != 2 {
		t.Errorf("%d records, want 2", n)
	}
}

func TestRedrivesOfTheSameAtOnce(t *testing.T) {
	r := newRedriving(t, migrated(t))
	ids := r.refused(t, firstOrigin, copyOf("default", "neither", "", ""))
	var changed atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			done, err := r.store.Redrive(t.Context(), ledger.Work{ID: ids[0], Actor: "x"}, r.deriver.Redrive)
			if err != nil || done.Status != deadletter.Redriven {
				t.Errorf("%+v %v", done, err)
			}
			if done.Changed {
				changed.Add(1)
			}
		})
	}
	all.Wait()
	state := value[string](t, r.db, `SELECT CONCAT_WS(' ', status, attempts, deliveries, (SELECT COUNT(*) FROM dead_letter_audit),
		(SELECT COUNT(*) FROM mq_consume_log), (SELECT SUM(duplicates) FROM mq_consume_log)) FROM dead_letter`)
	if changed.Load() != 1 || state != "redriven 1 1 1 1 0" {
		t.Errorf("%d did it; %s", changed.Load(), state)
	}
	checkSums(t, r.db)
}

// What fails again stays, once, with who tried: refused by the database, or still not readable.
func TestRedriveThatFailsAgain(t *testing.T) {
	r := newRedriving(t, migrated(t))
	commit(t, r.w, r.deriver.Unit(firstOrigin, []byte(`garbage`)))
	ids := r.refused(t, firstOrigin, copyOf("default", "neither", "", ""))
	mend := r.refuse(t)
	for _, id := range ids {
		for range 2 {
			if done := r.redrive(t, id); done.Status != deadletter.Pending || !done.Changed || done.Detail == "" {
				t.Errorf("%+v", done)
			}
		}
		state := value[string](t, r.db, `SELECT CONCAT_WS(' ', status, attempts, deliveries) FROM dead_letter WHERE id = ?`, id)
		audit := value[string](t, r.db, `SELECT GROUP_CONCAT(action, ' ', actor, ' ', outcome SEPARATOR ', ') FROM dead_letter_audit
			WHERE dead_letter_id = ?`, id)
		if state != "pending 2 1" || audit != "redrive ann@ops pending, redrive ann@ops pending" {
			t.Errorf("%s; %s", state, audit)
		}
	}
	mend()
	if n := value[int](t, r.db, "SELECT COUNT(*) FROM dead_letter"); n != 2 || len(ids) != 2 {
		t.Errorf("%d dead letters, want 2", n)
	}
	dry, err := r.store.Redrive(t.Context(), ledger.Work{ID: ids[1], DryRun: true}, r.deriver.Redrive)
	if err != nil || dry.Status != deadletter.Redriven || value[int](t, r.db, "SELECT COUNT(*) FROM mq_consume_log") != 0 {
		t.Errorf("dry run: %+v %v", dry, err)
	}
	if done := r.redrive(t, ids[1]); done.Status != deadletter.Redriven {
		t.Errorf("%+v", done)
	}
}

func TestRedriveNeedsAllBytes(t *testing.T) {
	r := newRedriving(t, migrated(t))
	long := "[" + strings.Repeat(" ", deadletter.MaxRaw) + "]"
	commit(t, r.w, r.deriver.Unit(firstOrigin, []byte(long)))
	bare := garbage("what broke the connection", "m")
	bare.Raw = nil
	commit(t, r.w, record.Unit{Rejects: []record.Reject{bare}})
	for id, want := range map[int64]string{1: "were cut", 2: "were left out"} {
		if done := r.redrive(t, id); done.Status != deadletter.Pending || !strings.Contains(done.Detail, want) {
			t.Errorf("%+v, want %q", done, want)
		}
	}
}

// Wherever the connection breaks, the commit's answer included, the dead letter is pending without a record or redriven
// with it; the next redrive brings it to the same end.
func TestRedriveThatBreaksOff(t *testing.T) {
	dsn := migrated(t)
	direct := newRedriving(t, dsn)
	var left atomic.Int64
	left.Store(1 << 40)
	var how atomic.Int64
	proxied, _ := through(t, dsn, func([]byte) verdict {
		if left.Add(-1) == 0 {
			return verdict(how.Load())
		}
		return pass
	})
	store, err := ledger.Open(ledger.Options{DSN: proxied})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	broken := 0
	for _, kind := range []verdict{cut, swallow} {
		for at := int64(1); ; at++ {
			id := billingkey.RequestID(someID()).String()
			ids := direct.refused(t, firstOrigin, copyOf("default", "gateway", id, ""))
			how.Store(int64(kind))
			left.Store(at)
			done, err := store.Redrive(t.Context(), ledger.Work{ID: ids[0], Actor: "x"}, direct.deriver.Redrive)
			reached := left.Swap(1<<40) <= 0
			status := value[string](t, direct.db, "SELECT status FROM dead_letter WHERE id = ?", ids[0])
			records := value[int](t, direct.db, "SELECT COUNT(*) FROM mq_consume_log WHERE request_id = ?", id)
			if (status == "redriven") != (records == 1) || records > 1 {
				t.Errorf("at %d: %s with %d records (%+v, %v)", at, status, records, done, err)
			}
			if err != nil {
				broken++
			}
			if status == "pending" {
				direct.redrive(t, ids[0])
			}
			if n := value[int](t, direct.db, "SELECT COUNT(*) FROM mq_consume_log WHERE request_id = ? AND duplicates = 0", id); n != 1 {
				t.Errorf("at %d: %d records at the end", at, n)
			}
			if !reached {
				break
			}
		}
	}
	if broken == 0 {
		t.Log("no attempt had to be given up") // a broken connection is tried again
	}
	checkSums(t, direct.db)
}
