package ledger_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/ledger/feed"
	"gateway-billing.internal/consumer/internal/record"
)

// taker follows the feed as a billing service would: it keeps the last revision of each key.
type taker struct {
	at   feed.Position
	last map[string]string // what it knows of each key
	rev  map[string]int32
	seen int
}

// poll takes up to limit records, and says whether there may be more.
func (k *taker) poll(t *testing.T, r *feed.Reader, limit int) bool {
	t.Helper()
	if k.last == nil {
		k.last, k.rev = map[string]string{}, map[string]int32{}
	}
	page, err := r.Read(t.Context(), k.at, limit)
	if err != nil {
		t.Fatal(err)
	}
	for i := range page.Len() {
		rec := page.Record(i)
		key := hex.EncodeToString(rec.BillingKey)
		if rec.Revision <= k.rev[key] {
			t.Errorf("key %s came with revision %d after %d", key, rec.Revision, k.rev[key])
		}
		k.rev[key], k.last[key] = rec.Revision, fmt.Sprint(rec.Revision, rec.TotalTokens, rec.Billable, rec.UsageState)
		k.seen++
	}
	k.at = page.Next
	return page.More
}

// equals fails where what the taker knows is not the ledger.
func (k *taker) equals(t *testing.T, db *sql.DB) {
	t.Helper()
	rows, err := db.Query("SELECT LOWER(HEX(billing_key)), revision, total_tokens, billable, usage_state FROM mq_consume_log")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		var key, state string
		var revision, tokens int64
		var billable bool
		if err := rows.Scan(&key, &revision, &tokens, &billable, &state); err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprint(revision, tokens, billable, state); k.last[key] != want {
			t.Errorf("key %s: the taker has %q, the ledger %q", key, k.last[key], want)
		}
		n++
	}
	if len(k.last) != n {
		t.Errorf("the taker has %d records, the ledger %d", len(k.last), n)
	}
}

// traffic is requests with and without orders, each in copies that know more or less, in any order.
func traffic(random *rand.Rand, requests int) (copies []record.Record) {
	for i := range requests {
		order := fmt.Sprintf("order-%d", i/3)
		r := attempt(i, func(r *record.Record) { r.IdempotencyKey = &order })
		switch random.IntN(3) {
		case 0:
			failing(&r)
		case 1:
			r = request(someID())
			copies = append(copies, withoutBody(r))
		}
		nameless := r
		nameless.Consumer = nil
		copies = append(copies, r, nameless)
	}
	random.Shuffle(len(copies), func(i, j int) { copies[i], copies[j] = copies[j], copies[i] })
	return copies
}

// Many write while commits are held back and answers lost, sequencers die between any two of their statements, and a taker
// polls all the time: it misses nothing, sees no revision twice, and in the end has the ledger.
func TestFeedLosesNothing(t *testing.T) {
	dsn := migrated(t)
	db := connect(t, dsn)
	few := func(o *ledger.Options) { o.Writers, o.MaxRows = 4, 8 }
	var numbered, commits, pieces atomic.Int64
	delaying, _ := through(t, dsn, func(piece []byte) verdict {
		if !bytes.HasSuffix(piece, []byte("\x03COMMIT")) {
			return pass
		}
		n := commits.Add(1)
		// Held until others are numbered, or nobody else gets on.
		for at, left := numbered.Load(), 20; n%3 == 0 && numbered.Load() == at && left > 0; left-- {
			<-time.After(time.Millisecond)
		}
		if n%7 == 0 {
			return swallow
		}
		return pass
	})
	dying, _ := through(t, dsn, func([]byte) verdict {
		switch n := pieces.Add(1); {
		case n%11 == 0:
			return cut
		case n%17 == 0:
			return swallow
		}
		return pass
	})
	writers := []*ledger.Writer{ledgerOf(t, dsn, few), ledgerOf(t, delaying, few)}
	random := rand.New(rand.NewPCG(3, 4))
	copies := traffic(random, 90)
	// Some were there before there were changes.
	for _, part := range slices.Collect(slices.Chunk(copies[:60], 20)) {
		commit(t, writers[0], unit(part...))
	}
	exec(t, db, "UPDATE mq_consume_log SET change_id = 0")
	exec(t, db, "DELETE FROM ledger_change")
	writing, written := context.WithCancel(t.Context())
	var all, flow sync.WaitGroup
	for _, at := range []string{dsn, dsn, dying} {
		store := storeOf(t, at)
		all.Go(func() {
			for writing.Err() == nil {
				n, err := store.NumberChanges(t.Context())
				numbered.Add(int64(n))
				if err != nil && at == dsn {
					t.Error(err)
				}
			}
		})
	}
	reader := storeOf(t, dsn).Feed()
	follower := taker{}
	all.Go(func() {
		limits := rand.New(rand.NewPCG(5, 6))
		for writing.Err() == nil {
			follower.poll(t, reader, 1+limits.IntN(40))
		}
	})
	for i, part := range slices.Collect(slices.Chunk(copies[40:], 5)) {
		flow.Go(func() { commit(t, writers[i%2], unit(part...)) })
	}
	flow.Wait()
	written()
	all.Wait()
	if _, err := storeOf(t, dsn).NumberChanges(t.Context()); err != nil {
		t.Fatal(err)
	}
	for follower.poll(t, reader, 7) {
	}
	follower.equals(t, db)
	if follower.seen == len(follower.last) {
		t.Error("no record came twice, so none was changed while the taker looked")
	}
	late := taker{}
	for late.poll(t, reader, 13) {
	}
	late.equals(t, db)
	if late.seen != len(late.last) {
		t.Errorf("%d records for %d keys, for one who comes when all is written", late.seen, len(late.last))
	}
	if n := value[int](t, db, "SELECT COUNT(*) FROM ledger_change"); n != value[int](t, db, "SELECT COUNT(DISTINCT sequence) FROM ledger_change") ||
		n != value[int](t, db, "SELECT MAX(sequence) FROM ledger_change") {
		t.Errorf("the numbers of %d changes have gaps, or are given twice", n)
	}
	checkSums(t, db)
}

// What is pruned is left out, and a transaction of duplicates alone is no change.
func TestFeedOfWhatIsLeft(t *testing.T) {
	dsn := migrated(t)
	db, store, w := connect(t, dsn), storeOf(t, dsn), ledgerOf(t, dsn)
	ledger.ExpectRepeats(w, true)
	first, second := request(someID()), request(someID())
	commit(t, w, unit(first))
	commit(t, w, unit(second))
	for range 3 {
		commit(t, w, unit(first, second))
	}
	if n, err := store.NumberChanges(t.Context()); n != 2 || err != nil {
		t.Errorf("%d changes, %v; want those of the two records", n, err)
	}
	exec(t, db, "DELETE FROM mq_consume_log WHERE billing_key = ?", first.Key[:])
	k := taker{}
	for k.poll(t, store.Feed(), 10) {
	}
	k.equals(t, db)
	at := k.at
	if k.poll(t, store.Feed(), 10); k.at != at || k.seen != 1 {
		t.Errorf("nothing happened, and the taker moved from %v to %v with %d records", at, k.at, k.seen)
	}
}

// A ledger from before there were changes is served from its beginning, in the order of its ids, wherever the migration died
// before it came through.
func TestFeedOfAnOlderLedger(t *testing.T) {
	dsn := migrated(t)
	db, store, w := connect(t, dsn), storeOf(t, dsn), ledgerOf(t, dsn)
	better := request(someID())
	commit(t, w, unit(withoutBody(better), request(someID()), request(someID())))
	exec(t, db, "ALTER TABLE mq_consume_log DROP INDEX idx_change, DROP COLUMN change_id")
	exec(t, db, "DROP TABLE ledger_change")
	exec(t, db, "DROP TABLE ledger_sequencer")
	for _, done := range []string{
		"DO 0", "ALTER TABLE mq_consume_log DROP INDEX idx_change", "DELETE FROM ledger_sequencer",
		"ALTER TABLE ledger_sequencer DROP COLUMN history", "UPDATE ledger_sequencer SET history = 0",
	} {
		exec(t, db, done)
		exec(t, db, "DELETE FROM billing_schema_version WHERE version_id >= 9")
		if _, err := ledger.MigrateUp(t.Context(), dsn); err != nil {
			t.Fatal(err)
		}
	}
	if value[int64](t, db, "SELECT history FROM ledger_sequencer") == 0 {
		t.Error("the ledger has nothing that tells it from another one")
	}
	k := taker{}
	for k.poll(t, store.Feed(), 2) {
	}
	k.equals(t, db)
	commit(t, w, unit(better, request(someID())))
	if n, err := store.NumberChanges(t.Context()); n != 1 || err != nil {
		t.Errorf("%d changes, %v; want one", n, err)
	}
	for k.poll(t, store.Feed(), 2) {
	}
	if k.equals(t, db); k.seen != 5 {
		t.Errorf("%d records came, want the three, the one that was raised, and a new one", k.seen)
	}
}

// Changes that nothing is left of, as pruning leaves them, are passed in pieces: one who begins gets through however many.
func TestFeedOfManyChangesWithoutRecords(t *testing.T) {
	dsn := migrated(t)
	db, store, w := connect(t, dsn), storeOf(t, dsn), ledgerOf(t, dsn)
	const gone = 2500
	exec(t, db, `INSERT INTO ledger_change (sequence) WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 50)
		SELECT (a.i - 1) * 50 + b.i FROM n AS a CROSS JOIN n AS b ORDER BY 1`)
	exec(t, db, "UPDATE ledger_sequencer SET last_sequence = ?", gone)
	commit(t, w, unit(request(someID())))
	if n, err := store.NumberChanges(t.Context()); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	k, polls := taker{}, 1
	for at := k.at; k.poll(t, store.Feed(), 10); polls++ {
		if k.at == at {
			t.Fatalf("more is said to be there, and the taker stays at %v", at)
		}
		at = k.at
	}
	if k.equals(t, db); k.seen != 1 || polls < 3 {
		t.Errorf("%d records in %d pieces", k.seen, polls)
	}
}

// A page reads what it gives, however many records the changes have that lie behind.
func TestFeedReadsNoMoreThanItGives(t *testing.T) {
	dsn := migrated(t)
	db := connect(t, dsn)
	db.SetMaxOpenConns(1) // what is counted is counted for each connection
	commit(t, ledgerOf(t, dsn), unit(requests(4500)...))
	exec(t, db, "UPDATE mq_consume_log SET change_id = 1 + (id - 1) DIV 3")
	exec(t, db, "DELETE FROM ledger_change")
	exec(t, db, "INSERT INTO ledger_change (id, sequence) SELECT DISTINCT change_id, change_id FROM mq_consume_log ORDER BY 1")
	exec(t, db, "UPDATE ledger_sequencer SET last_sequence = (SELECT MAX(sequence) FROM ledger_change)")
	before := rowsRead(t, db)
	page, err := feed.New(db).Read(t.Context(), feed.Position{Sequence: 1}, 20)
	if err != nil || page.Len() != 20 || !page.More {
		t.Fatalf("%+v, %v", page, err)
	}
	if read := rowsRead(t, db) - before; read > 1000 {
		t.Errorf("%d rows were read for 20 records", read)
	}
}

// rowsRead counts the rows and index entries that this connection has read, and those that it put into tables of its own.
func rowsRead(t *testing.T, db *sql.DB) (all int) {
	t.Helper()
	rows, err := db.Query("SHOW SESSION STATUS WHERE Variable_name LIKE 'Handler_read%' OR Variable_name = 'Handler_tmp_write'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var n int
		if err := rows.Scan(&name, &n); err != nil {
			t.Fatal(err)
		}
		all += n
	}
	return all
}
