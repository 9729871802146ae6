package ledger_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"testing"
	"time"

	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/shared/billingkey"
)

// start is when the requests of the tests began.
var start = time.Date(2026, 3, 4, 5, 6, 7, 890e6, time.UTC)

// ledgerOf opens a store and a writer on a database with the current schema.
func ledgerOf(t testing.TB, dsn string, change ...func(*ledger.Options)) *ledger.Writer {
	t.Helper()
	options := ledger.Options{DSN: dsn, Writers: 2}
	for _, c := range change {
		c(&options)
	}
	store, err := ledger.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	w := store.NewWriter()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := w.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
		store.Close()
	})
	return w
}

// fresh is a ledger in a new database, and the database.
func fresh(t testing.TB, change ...func(*ledger.Options)) (*ledger.Writer, *sql.DB) {
	t.Helper()
	dsn := migrated(t)
	return ledgerOf(t, dsn, change...), connect(t, dsn)
}

// request is the record of a request that alice made, with exact usage.
func request(id [16]byte, change ...func(*record.Record)) record.Record {
	key, err := billingkey.NewKey(start.UnixMilli(), id)
	if err != nil {
		panic(err)
	}
	print := sha256.Sum256(id[:])
	r := record.Record{
		Origin: record.Origin{Topic: "test-apisix", MsgID: "7F0000010001", Broker: "broker-a", Queue: 1, Offset: 7},
		Key:    key, KeySource: record.KeyFromGateway, KeyState: billingkey.Verified,
		RequestID: new(billingkey.RequestID(id).String()),
		Consumer:  new("alice"), RouteID: new("r1"), ServiceID: new("s1"), Method: new("POST"), URI: new("/v1/chat"),
		Status: new(200), ClientIP: new("10.0.0.1"), RequestSize: new(int64(321)), ResponseSize: new(int64(654)),
		RequestTime: start, LatencyMS: new(12.5),
		Usage: record.Usage{
			State: record.UsageExact, Source: record.UsageFromBody, PromptTokens: 10, CompletionTokens: 5, TotalTokens: 15,
			Model: new("gpt"), RawJSON: []byte(`{"prompt_tokens":10}`),
		},
		Billable: true, BillableReason: "success", Body: `{"k":"v"}`,
	}
	key, err = billingkey.NewKey(start.UnixMilli(), [16]byte(print[:16]))
	if err != nil {
		panic(err)
	}
	r.FingerprintKey = key
	for _, c := range change {
		c(&r)
	}
	return r
}

func someID() (id [16]byte) {
	rand.Read(id[:])
	return id
}

func unit(records ...record.Record) record.Unit { return record.Unit{Records: records} }

func commit(t testing.TB, w *ledger.Writer, u record.Unit) ledger.Outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	o, err := w.Commit(ctx, u)
	if err != nil {
		t.Fatalf("commit: %v", err)
	}
	if o.Entries != len(u.Records)+len(u.Rejects) || o.Entries != o.Recorded+o.Duplicate+o.Conflict+o.Rejected {
		t.Errorf("of %d entries: %+v", len(u.Records)+len(u.Rejects), o)
	}
	return o
}

func wantOutcome(t *testing.T, got, want ledger.Outcome) {
	t.Helper()
	want.Entries = want.Recorded + want.Duplicate + want.Conflict + want.Rejected
	if got != want {
		t.Errorf("outcome %+v, want %+v", got, want)
	}
}

func TestEachRequestIsRecordedOnce(t *testing.T) {
	w, db := fresh(t)
	u := unit(request(someID()), request(someID()), request(someID(), func(r *record.Record) { r.EntryIndex = 2 }))
	wantOutcome(t, commit(t, w, u), ledger.Outcome{Recorded: 3})
	for i := range u.Records {
		u.Records[i].Origin.MsgID = "sent again"
	}
	wantOutcome(t, commit(t, w, u), ledger.Outcome{Duplicate: 3})
	if n := value[int](t, db, "SELECT COUNT(*) FROM mq_consume_log WHERE msg_id <> 'sent again' AND duplicates = 1"); n != 3 {
		t.Errorf("%d rows as first sent, each with one duplicate; want 3", n)
	}
	checkSums(t, db)
}

func TestRowHoldsTheRecord(t *testing.T) {
	w, db := fresh(t)
	id := someID()
	epoch := billingkey.NewEpoch(start, 42)
	commit(t, w, unit(request(id, func(r *record.Record) {
		r.Consumer, r.ServiceID = new(""), nil
		r.Stamp = &record.StampInfo{Runner: "host-1", Epoch: epoch, Sequence: 1<<63 + 5, Verified: true}
		r.Dimensions = map[string]string{"team": "b", "app": "a"}
		r.Marks = []string{"cut:uri", "bad:latency"}
		r.Usage.Quantities = []record.Quantity{{Unit: "image", Amount: "2"}, {Unit: "second", Amount: "0.125"}}
		r.Usage.Stream = new(true)
	})))
	var key, batch, epochBytes []byte
	var consumer, service, dimensions, marks, quantities, body sql.NullString
	var at time.Time
	var sequence uint64
	var stream bool
	err := db.QueryRow(`SELECT billing_key, batch_id, stamp_epoch, consumer, service_id, dimensions, marks, quantities, body,
		request_time, stamp_sequence, stream FROM mq_consume_log`).
		Scan(&key, &batch, &epochBytes, &consumer, &service, &dimensions, &marks, &quantities, &body, &at, &sequence, &stream)
	if err != nil {
		t.Fatal(err)
	}
	if billingkey.Key(key).StartMS() != start.UnixMilli() || [16]byte(key[6:]) != id {
		t.Errorf("key %x", key)
	}
	if !consumer.Valid || consumer.String != "" || service.Valid {
		t.Errorf("anonymous %v, unknown %v: want an empty string and NULL", consumer, service)
	}
	if !at.Equal(start) {
		t.Errorf("request_time %v, want %v", at, start)
	}
	if dimensions.String != `{"app":"a","team":"b"}` || marks.String != "bad:latency,cut:uri" ||
		quantities.String != `[{"unit":"image","quantity":"2"},{"unit":"second","quantity":"0.125"}]` {
		t.Errorf("dimensions %s, marks %s, quantities %s", dimensions.String, marks.String, quantities.String)
	}
	if sequence != 1<<63+5 || !stream || billingkey.Epoch(epochBytes) != epoch {
		t.Errorf("sequence %d, stream %v, epoch %x", sequence, stream, epochBytes)
	}
	if q := value[string](t, db, "SELECT quantity FROM usage_delta WHERE unit = 'second'"); q != "0.125000000" {
		t.Errorf("sum of seconds %s", q)
	}
}

func TestLargeMessageIsOneUnit(t *testing.T) {
	w, db := fresh(t)
	u := record.Unit{}
	for i := range 1000 {
		u.Records = append(u.Records, request(someID(), func(r *record.Record) { r.EntryIndex = i }))
	}
	wantOutcome(t, commit(t, w, u), ledger.Outcome{Recorded: 1000})
	for range 4 {
		wantOutcome(t, commit(t, w, u), ledger.Outcome{Duplicate: 1000})
	}
	if n := value[int](t, db, "SELECT COUNT(*) FROM mq_consume_log WHERE duplicates = 4"); n != 1000 {
		t.Errorf("%d rows with 4 duplicates, want 1000", n)
	}
	checkSums(t, db)
}

func TestStampNumbersArriveAsRanges(t *testing.T) {
	w, db := fresh(t)
	epoch := billingkey.NewEpoch(start, 1)
	u := record.Unit{}
	for _, n := range []uint64{5, 1, 2, 3, 9, 2} {
		u.Records = append(u.Records, request(someID(), func(r *record.Record) {
			r.Arrived = &record.StampInfo{Runner: "host-1", Epoch: epoch, Sequence: n, Verified: true, PreviousLast: 7,
				PreviousEpoch: billingkey.NewEpoch(start, 0)}
		}))
	}
	commit(t, w, u)
	ranges := value[string](t, db, `SELECT GROUP_CONCAT(CONCAT(first_sequence, '-', last_sequence, '/', verified, '/',
		previous_last) ORDER BY first_sequence SEPARATOR ' ') FROM stamp_seen`)
	if want := "1-3/1/7 5-5/1/7 9-9/1/7"; ranges != want {
		t.Errorf("ranges %s, want %s", ranges, want)
	}
}
