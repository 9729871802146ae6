package ledger_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/shared/billingkey"
)

// anyUnit draws records of few requests, so that many meet: copies that know more or less, and other requests under the
// same key.
func anyUnit(r *rand.Rand) record.Unit {
	u := record.Unit{Body: []byte("[]")}
	for range 1 + r.IntN(12) {
		rec := request([16]byte{byte(r.IntN(8))}, func(rec *record.Record) {
			switch r.IntN(5) {
			case 0:
				rec.Consumer = new(fmt.Sprintf("other%d", r.IntN(3)))
			case 1:
				rec.RouteID, rec.Status = nil, nil
			}
			switch r.IntN(4) {
			case 0:
				rec.Usage = record.Usage{State: record.UsageMissing, Source: record.UsageFromNone}
			case 1:
				rec.Usage.State = record.UsagePartial
				rec.Usage.CompletionTokens = r.Int64N(3)
			case 2:
				rec.Usage.RawJSON = nil
			}
			switch r.IntN(6) {
			case 0:
				rec.Stamp = &record.StampInfo{Runner: "gw", Sequence: 7, Verified: true}
			case 1:
				rec.KeyState = billingkey.Absent
			case 2:
				rec.Method, rec.BillableReason = nil, record.BillableStatusUnknown
			}
			if r.IntN(40) == 0 {
				rec.RequestTime = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC) // can't be encoded
			}
		})
		u.Records = append(u.Records, rec)
	}
	if r.IntN(3) == 0 {
		u.Rejects = []record.Reject{{EntryIndex: 99, Reason: "not_an_entry", Raw: []byte("7")}}
	}
	return u
}

// What a preview says of many units in a row, over rows that are there and over those that it foresaw, is what comes when
// they are committed; and it writes nothing.
func TestPreviewForeseesTheCommit(t *testing.T) {
	dsn := migrated(t)
	store, err := ledger.Open(ledger.Options{DSN: dsn})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	w, db := ledgerOf(t, dsn), connect(t, dsn)
	seen := map[string]int{}
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 1))
		exec(t, db, "DELETE FROM mq_consume_log")
		exec(t, db, "DELETE FROM dead_letter")
		if _, err := w.Commit(t.Context(), anyUnit(r)); err != nil {
			t.Fatal(err)
		}
		before := value[int](t, db, "SELECT COUNT(*) + SUM(revision) + SUM(duplicates) FROM mq_consume_log")
		preview := store.NewPreview()
		var units []record.Unit
		var foreseen []ledger.Outcome
		for range 8 {
			units = append(units, anyUnit(r))
			all, err := preview.Units(t.Context(), units[len(units)-1:])
			if err != nil {
				t.Fatal(err)
			}
			var o ledger.Outcome
			for _, f := range all {
				seen[f.Fate]++
				o.Entries++
				switch f.Fate {
				case ledger.FateNew:
					o.Recorded++
				case ledger.FateDuplicate:
					o.Duplicate++
				case ledger.FateConflict:
					o.Conflict++
				case ledger.FateRejected:
					o.Rejected++
				}
				if f.Raised {
					o.Raised++
					seen["raised"]++
				}
			}
			foreseen = append(foreseen, o)
		}
		if after := value[int](t, db, "SELECT COUNT(*) + SUM(revision) + SUM(duplicates) FROM mq_consume_log"); after != before {
			t.Fatalf("seed %d: the preview changed the ledger", seed)
		}
		for i, u := range units {
			came, err := w.Commit(t.Context(), u)
			if err != nil {
				t.Fatal(err)
			}
			if came != foreseen[i] {
				t.Errorf("seed %d, unit %d: foreseen %+v, came %+v", seed, i, foreseen[i], came)
			}
		}
	}
	for _, fate := range []string{ledger.FateNew, ledger.FateDuplicate, ledger.FateConflict, ledger.FateRejected, "raised"} {
		if seen[fate] == 0 {
			t.Errorf("none was %s: this test tests nothing of it", fate)
		}
	}
}

// A preview neither waits for a transaction that has the rows locked, nor needs the right to write.
func TestPreviewLocksNothing(t *testing.T) {
	dsn := migrated(t)
	w, db := ledgerOf(t, dsn), connect(t, dsn)
	unit := record.Unit{Records: []record.Record{request([16]byte{1})}}
	if _, err := w.Commit(t.Context(), unit); err != nil {
		t.Fatal(err)
	}
	store := storeOf(t, asUser(t, db, dsn, "SELECT ON *"))

	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.Exec("SELECT id FROM mq_consume_log FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	all, err := store.NewPreview().Units(t.Context(), []record.Unit{unit})
	if err != nil || len(all) != 1 || all[0].Fate != ledger.FateDuplicate {
		t.Errorf("%+v, %v", all, err)
	}
}
