package ledger_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/ledger/totals"
	"gateway-billing.internal/consumer/internal/record"
)

// An export gives each record of a time once, those of an older consumer too, and goes on behind any of them; its sums are
// those of the queries, and verify finds the older ones as well.
func TestExportGivesEachRecordOfATimeOnce(t *testing.T) {
	dsn := migrated(t)
	db, store := connect(t, dsn), storeOf(t, dsn)
	random := rand.New(rand.NewPCG(71, 72))
	var u record.Unit
	for range 1300 { // more than a page
		r := randomUsage(random)
		r.RequestTime = r.RequestTime.Truncate(time.Second) // as an older consumer's are
		r.Key = keyOf(r.RequestTime, [16]byte(r.Key[6:]))
		u.Records = append(u.Records, r)
	}
	commit(t, ledgerOf(t, dsn), u)
	exec(t, db, `UPDATE mq_consume_log SET billing_key = UNHEX(CONCAT('000000000000', HEX(RIGHT(billing_key, 16)))), key_source = 'msg_id',
		key_state = 'adopted', create_time = request_time WHERE id % 3 = 0`)
	from, to := usageFrom.AddDate(0, 3, 0), usageFrom.AddDate(0, 10, 0).Add(45*time.Minute)
	export := func(after *ledger.Exported) (all []ledger.Exported) {
		t.Helper()
		if err := store.Export(t.Context(), from, to, after, func(page []ledger.Exported) error { all = append(all, page...); return nil }); err != nil {
			t.Fatal(err)
		}
		return all
	}
	all := export(nil)
	ids := map[int64]bool{}
	tokens, adopted := int64(0), 0
	for _, r := range all {
		if ids[r.ID] || r.RequestTime.Before(from) || !r.RequestTime.Before(to) {
			t.Fatalf("record %d of %s", r.ID, r.RequestTime)
		}
		ids[r.ID] = true
		tokens += r.PromptTokens
		if r.KeySource == string(record.KeyFromMsgID) {
			adopted++
		}
	}
	result, err := store.Totals().Query(t.Context(), totals.Query{From: from, To: to})
	if err != nil {
		t.Fatal(err)
	}
	if sum, _ := result.Total.PromptTokens.Int64(); int(result.Total.Records) != len(all) || sum != tokens || adopted == 0 || adopted == len(all) {
		t.Errorf("%d records with %d prompt tokens, %d adopted; the sums say %d with %d", len(all), tokens, adopted, result.Total.Records, sum)
	}
	for _, behind := range []int{0, 1, 500, len(all) - adopted - 1, len(all) - adopted, len(all) - 2, len(all) - 1} {
		rest := export(&all[behind])
		if !slices.EqualFunc(rest, all[behind+1:], func(a, b ledger.Exported) bool { return a.ID == b.ID }) {
			t.Errorf("behind %d of %d it gives %d", behind, len(all), len(rest))
		}
	}
	outside := all[0]
	outside.RequestTime, outside.BillingKey = to, keyOf(to, [16]byte{1}).String()
	if err := store.Export(t.Context(), from, to, &outside, func([]ledger.Exported) error { return nil }); err == nil {
		t.Error("it goes on behind a record of another time")
	}
	if done, lines := verify(t, store.Totals()); len(lines) != 0 || done.Records != 1300 {
		t.Errorf("%+v, %q", done, lines)
	}
}
