package ledger_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/record"
)

// Whether a transaction looks for rows before it inserts makes no difference to what becomes of anything: copies, better
// usage, missing names, conflicts and repeated orders, alone and in one transaction.
func TestLookingFirstChangesNothing(t *testing.T) {
	dsns := []string{migrated(t), migrated(t)}
	var results [2]string
	for i, dsn := range dsns {
		w := ledgerOf(t, dsn, func(o *ledger.Options) { o.Writers = 1 })
		ledger.ExpectRepeats(w, i == 0)
		random := rand.New(rand.NewPCG(7, 7))
		var said strings.Builder
		for range 120 {
			var u record.Unit
			for range 1 + random.IntN(12) {
				u.Records = append(u.Records, variant(random))
			}
			fmt.Fprintf(&said, "%+v\n", commit(t, w, u))
		}
		db := connect(t, dsn)
		checkSums(t, db)
		rows, err := db.Query(`SELECT CONCAT_WS('|', HEX(billing_key), key_state, IFNULL(HEX(claimed_key), '-'), IFNULL(consumer, '?'), usage_state,
			total_tokens, billable, billable_reason, marks, duplicates, revision) FROM mq_consume_log ORDER BY billing_key`)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var row string
			if err := rows.Scan(&row); err != nil {
				t.Fatal(err)
			}
			said.WriteString(row + "\n")
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		results[i] = said.String()
	}
	if results[0] != results[1] {
		t.Errorf("looking first:\n%s\nnever looking:\n%s", results[0], results[1])
	}
	for _, what := range []string{"|conflict|", "|repeat|", "Raised:1"} {
		if !strings.Contains(results[0], what) {
			t.Errorf("nothing of %q came about: the test tests too little", what)
		}
	}
}

// variant is one of few requests, as one of several copies may show it.
func variant(random *rand.Rand) record.Record {
	id := random.IntN(40)
	return request([16]byte{15: byte(id + 1)}, func(r *record.Record) {
		r.RequestTime = start.Add(time.Duration(id) * time.Millisecond)
		at(r.RequestTime)(r)
		switch random.IntN(4) {
		case 0:
			r.Consumer = nil
		case 1:
			r.Consumer = new("mallory")
			r.FingerprintKey[20] ^= 1
		}
		if id%3 == 0 {
			r.Usage = record.Usage{State: record.UsageNone, Source: record.UsageFromNone}
			r.IdempotencyKey = new(fmt.Sprintf("order-%d", id%4))
			r.Status = new(200 + 300*random.IntN(2))
		} else if random.IntN(2) == 0 {
			r.Usage = record.Usage{State: record.UsageMissing, Source: record.UsageFromNone}
		}
	})
}
