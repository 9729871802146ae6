package ledger_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/shared/billingkey"
)

// attempt is a request that carries the idempotency key "order-1", ms after start, and is metered by nothing but itself.
func attempt(ms int, change ...func(*record.Record)) record.Record {
	return request(someID(), append([]func(*record.Record){func(r *record.Record) {
		at := start.Add(time.Duration(ms) * time.Millisecond)
		key, err := billingkey.NewKey(at.UnixMilli(), [16]byte(r.Key[6:]))
		if err != nil {
			panic(err)
		}
		r.Key, r.RequestTime, r.IdempotencyKey = key, at, new("order-1")
		r.Usage = record.Usage{State: record.UsageNone, Source: record.UsageFromNone}
	}}, change...)...)
}

// failing is a change that makes an attempt fail, on a route whose policy bills failures too.
func failing(r *record.Record) { r.Status = new(502) }

// metered is a change that puts an attempt on a route metered by requests, lost one that leaves its usage unknown.
func metered(r *record.Record) { r.Usage.State = record.UsageExact }

func lost(r *record.Record) { r.Usage.State = record.UsageMissing }

func by(name string) func(*record.Record) {
	return func(r *record.Record) { r.Consumer = &name }
}

// billed are the requests that count, each as its ms after start.
func billed(t *testing.T, db *sql.DB) (ms []int) {
	t.Helper()
	rows, err := db.Query("SELECT request_time FROM mq_consume_log WHERE billable ORDER BY request_time")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var at time.Time
		if err := rows.Scan(&at); err != nil {
			t.Fatal(err)
		}
		ms = append(ms, int(at.Sub(start)/time.Millisecond))
	}
	return ms
}

func TestOrderIsBilledOnce(t *testing.T) {
	const day = 24 * 3600 * 1000
	for _, tt := range []struct {
		name  string
		units []record.Unit
		want  []int
		// wantRevisions are the revisions of all rows, in the order of their time.
		wantRevisions string
	}{
		{"three at once", []record.Unit{unit(attempt(0), attempt(1), attempt(2))}, []int{0}, "1 1 1"},
		{"one after the other", []record.Unit{unit(attempt(5)), unit(attempt(0)), unit(attempt(9))}, []int{5}, "1 1 1"},
		{"by two APISIX consumers", []record.Unit{unit(attempt(0), attempt(1, by("bob"))), unit(attempt(2), attempt(3, by("bob")))},
			[]int{0, 1}, "1 1 1 1"},
		{"on two routes", []record.Unit{unit(attempt(0), attempt(1, func(r *record.Record) { r.RouteID = new("r2") }))}, []int{0, 1}, "1 1"},
		{"anonymous", []record.Unit{unit(attempt(0, by("")), attempt(1, by("")))}, []int{0, 1}, "1 1"},
		{"two keys", []record.Unit{unit(attempt(0), attempt(1, func(r *record.Record) { r.IdempotencyKey = new("order-2") }))}, []int{0, 1}, "1 1"},
		{"a success takes the place of a failure", []record.Unit{unit(attempt(0, failing)), unit(attempt(1))}, []int{1}, "2 1"},
		{"of a failure beside it", []record.Unit{unit(attempt(0, failing), attempt(1), attempt(2, failing))}, []int{1}, "1 1 1"},
		{"but not of another success", []record.Unit{unit(attempt(0)), unit(attempt(1, failing)), unit(attempt(2))}, []int{0}, "1 1 1"},
		{"a failure that policy does not bill claims nothing", []record.Unit{unit(attempt(0, failing, func(r *record.Record) {
			r.Billable, r.BillableReason = false, "status"
		})), unit(attempt(1)), unit(attempt(2))}, []int{1}, "1 1 1"},
		{"a day later it is another order", []record.Unit{unit(attempt(0)), unit(attempt(day + 1)), unit(attempt(day + 2)), unit(attempt(day))},
			[]int{0, day + 1}, "1 1 1 1"},
		{"an old one comes late", []record.Unit{unit(attempt(day + 1)), unit(attempt(0)), unit(attempt(day + 2))}, []int{0, day + 1}, "1 1 1"},
		{"tokens are not absorbed", []record.Unit{unit(attempt(0, tokens), attempt(1, tokens)), unit(attempt(2))}, []int{0, 1, 2}, "1 1 1"},
		{"metered by requests", []record.Unit{unit(attempt(0, metered), attempt(1, metered)), unit(attempt(2, metered))}, []int{0}, "1 1 1"},
		{"what is not known may be tokens", []record.Unit{unit(attempt(0, lost), attempt(1, lost))}, []int{0, 1}, "1 1"},
		{"a key that only a stamp confirms", []record.Unit{unit(attempt(0, fromStamp), attempt(1, fromStamp))}, []int{0, 1}, "1 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, db := fresh(t)
			for _, u := range tt.units {
				commit(t, w, u)
			}
			check := func() {
				t.Helper()
				if got := billed(t, db); !slices.Equal(got, tt.want) {
					t.Errorf("billed are those at %v ms, want %v", got, tt.want)
				}
				if got := value[string](t, db, "SELECT GROUP_CONCAT(revision ORDER BY request_time SEPARATOR ' ') FROM mq_consume_log"); got != tt.wantRevisions {
					t.Errorf("revisions %s, want %s", got, tt.wantRevisions)
				}
				if n := value[int](t, db, `SELECT COUNT(*) FROM mq_consume_log WHERE (billable_reason = 'repeat') <> (repeat_of IS NOT NULL)
					OR billable_reason = 'repeat' AND billable`); n != 0 {
					t.Errorf("%d rows whose reason is not their state", n)
				}
				checkSums(t, db)
			}
			check()
			for _, u := range tt.units { // copies change nothing
				commit(t, w, u)
			}
			check()
		})
	}
}

func tokens(r *record.Record) {
	r.Usage = record.Usage{State: record.UsageExact, Source: record.UsageFromBody, PromptTokens: 3, TotalTokens: 3}
}

func fromStamp(r *record.Record) { r.KeySource = record.KeyFromStamp }

func TestTokensMayBeAbsorbed(t *testing.T) {
	w, db := fresh(t, func(o *ledger.Options) { o.AbsorbTokens = true })
	commit(t, w, unit(attempt(0, tokens), attempt(1, tokens)))
	if got := billed(t, db); !slices.Equal(got, []int{0}) {
		t.Errorf("billed are those at %v ms, want the first", got)
	}
	checkSums(t, db)
}

// Copies that know less come first: the claim is made when what decides it becomes known.
func TestClaimOfWhatBecomesKnown(t *testing.T) {
	first, second := attempt(0), attempt(1)
	for name, forget := range map[string]func(*record.Record){
		"consumer":        func(r *record.Record) { r.Consumer = nil },
		"route":           func(r *record.Record) { r.RouteID = nil },
		"status":          func(r *record.Record) { r.Status, r.BillableReason = nil, "status_unknown" },
		"idempotency key": func(r *record.Record) { r.IdempotencyKey = nil },
		"gateway's word":  fromStamp,
	} {
		t.Run(name, func(t *testing.T) {
			w, db := fresh(t)
			poor := second
			forget(&poor)
			commit(t, w, unit(first, poor))
			if got := billed(t, db); !slices.Equal(got, []int{0, 1}) {
				t.Errorf("billed before it is known: %v", got)
			}
			commit(t, w, unit(second))
			if got := billed(t, db); !slices.Equal(got, []int{0}) {
				t.Errorf("billed behind: %v", got)
			}
			checkSums(t, db)
		})
	}
}

// A repeat that turns out to have consumed tokens is billed after all.
func TestRepeatThatConsumedTokens(t *testing.T) {
	w, db := fresh(t)
	first, second := attempt(0), attempt(1)
	commit(t, w, unit(first, second))
	tokens(&second)
	wantOutcome(t, commit(t, w, unit(second)), ledger.Outcome{Duplicate: 1, Raised: 1})
	if got := billed(t, db); !slices.Equal(got, []int{0, 1}) {
		t.Errorf("billed: %v", got)
	}
	if n := value[int](t, db, "SELECT COUNT(*) FROM mq_consume_log WHERE repeat_of IS NOT NULL OR billable_reason <> 'success'"); n != 0 {
		t.Errorf("%d rows still say that they are repeats", n)
	}
	checkSums(t, db)
}

// Whatever the order, the company, the number of writers and the answers to commits that are lost: one of each order's requests is billed, a success where
// there is one, and the sums are those of the records.
func TestOrdersOfManyWriters(t *testing.T) {
	dsn := migrated(t)
	db := connect(t, dsn)
	few := func(o *ledger.Options) { o.Writers, o.MaxRows = 4, 16 }
	var commits atomic.Int64
	forgetful, proxy := through(t, dsn, func(piece []byte) verdict {
		if bytes.HasSuffix(piece, []byte("\x03COMMIT")) && commits.Add(1)%4 == 0 {
			return swallow
		}
		return pass
	})
	writers := []*ledger.Writer{ledgerOf(t, dsn, few), ledgerOf(t, forgetful, few)}
	const orders = 40
	random := rand.New(rand.NewPCG(11, 12))
	var all []record.Record
	succeeds := map[string]bool{}
	for order := range orders {
		key := fmt.Sprintf("order-%d", order)
		for range 1 + random.IntN(5) {
			r := attempt(len(all), func(r *record.Record) { r.IdempotencyKey = &key })
			if random.IntN(2) == 0 {
				failing(&r)
			}
			succeeds[key] = succeeds[key] || *r.Status < 400
			all = append(all, r)
		}
	}
	var copies []record.Record
	for _, r := range all {
		poor := r
		poor.IdempotencyKey = nil
		copies = append(copies, r, r, poor)
	}
	random.Shuffle(len(copies), func(i, j int) { copies[i], copies[j] = copies[j], copies[i] })
	var wg sync.WaitGroup
	for i, part := range slices.Collect(slices.Chunk(copies, 7)) {
		wg.Go(func() { commit(t, writers[i%2], unit(part...)) })
	}
	wg.Wait()
	if proxy.cuts.Load() == 0 {
		t.Error("no answer to a commit was lost")
	}
	rows, err := db.Query("SELECT idempotency_key, SUM(billable), SUM(billable AND status < 400) FROM mq_consume_log GROUP BY idempotency_key")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	seen := 0
	for rows.Next() {
		var key string
		var billed, successes int
		if err := rows.Scan(&key, &billed, &successes); err != nil {
			t.Fatal(err)
		}
		seen++
		if billed != 1 || (successes == 1) != succeeds[key] {
			t.Errorf("%s: %d billed, %d of them successes; one succeeds: %v", key, billed, successes, succeeds[key])
		}
	}
	if seen != orders {
		t.Errorf("%d orders, want %d", seen, orders)
	}
	if n := value[int](t, db, `SELECT COUNT(*) FROM idempotency_claim c JOIN mq_consume_log l USING (billing_key) WHERE l.billable`); n != orders {
		t.Errorf("%d claims are held by a billed request, want %d", n, orders)
	}
	checkSums(t, db)
}
