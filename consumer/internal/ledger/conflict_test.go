package ledger_test

import (
	"testing"

	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/record"
)

// Two requests claim one key: alice's, and one of bob that carries alice's stamp.
func twoOfOneKey() (alices, bobs record.Record) {
	id := someID()
	alices = request(id)
	bobs = request(id, func(r *record.Record) {
		r.Consumer = new("bob")
		r.FingerprintKey[21] ^= 1
		r.Usage.PromptTokens, r.Usage.TotalTokens = 100, 105
	})
	return alices, bobs
}

func TestConflictIsRecordedUnderItsFingerprint(t *testing.T) {
	for _, tt := range []struct {
		name     string
		batches  func(alices, bobs record.Record) []record.Unit
		outcomes []ledger.Outcome
		holder   string
	}{
		{"one after the other", func(a, b record.Record) []record.Unit { return []record.Unit{unit(a), unit(b), unit(b), unit(a)} },
			[]ledger.Outcome{{Recorded: 1}, {Conflict: 1}, {Duplicate: 1}, {Duplicate: 1}}, "alice"},
		{"the other way round", func(a, b record.Record) []record.Unit { return []record.Unit{unit(b), unit(a), unit(b), unit(a)} },
			[]ledger.Outcome{{Recorded: 1}, {Conflict: 1}, {Duplicate: 1}, {Duplicate: 1}}, "bob"},
		{"in one batch", func(a, b record.Record) []record.Unit { return []record.Unit{unit(a, b), unit(b, a)} },
			[]ledger.Outcome{{Recorded: 1, Conflict: 1}, {Duplicate: 2}}, "alice"},
		{"a stored one, then both at once with the false one first", func(a, b record.Record) []record.Unit {
			return []record.Unit{unit(a), unit(b, a, b)}
		}, []ledger.Outcome{{Recorded: 1}, {Duplicate: 2, Conflict: 1}}, "alice"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, db := fresh(t)
			alices, bobs := twoOfOneKey()
			for i, u := range tt.batches(alices, bobs) {
				wantOutcome(t, commit(t, w, u), tt.outcomes[i])
			}
			if n := value[int](t, db, "SELECT COUNT(*) FROM mq_consume_log"); n != 2 {
				t.Errorf("%d rows, want 2", n)
			}
			holder := value[string](t, db, "SELECT consumer FROM mq_consume_log WHERE billing_key = ?", alices.Key[:])
			if holder != tt.holder {
				t.Errorf("%s holds the key, want %s", holder, tt.holder)
			}
			n := value[int](t, db, `SELECT COUNT(*) FROM mq_consume_log WHERE key_state = 'conflict' AND
				key_source = 'fingerprint' AND claimed_key = ? AND billing_key IN (?, ?) AND consumer <> ?`,
				alices.Key[:], alices.FingerprintKey[:], bobs.FingerprintKey[:], holder)
			if n != 1 {
				t.Errorf("%d conflicts under their fingerprint, want 1", n)
			}
			checkSums(t, db)
		})
	}
}

func TestConflictWhoseFingerprintIsTakenToo(t *testing.T) {
	w, db := fresh(t)
	id := someID()
	var u record.Unit
	for _, name := range []string{"alice", "bob", "carol", "dave"} {
		// The fingerprint does not tell them apart.
		u.Records = append(u.Records, request(id, func(r *record.Record) { r.Consumer = &name }))
	}
	wantOutcome(t, commit(t, w, u), ledger.Outcome{Recorded: 1, Conflict: 3})
	wantOutcome(t, commit(t, w, u), ledger.Outcome{Duplicate: 4})
	if n := value[int](t, db, "SELECT COUNT(DISTINCT consumer, billing_key) FROM mq_consume_log WHERE duplicates = 1"); n != 4 {
		t.Errorf("%d records with one duplicate, want 4", n)
	}
	checkSums(t, db)
}
