package api_test

import (
	crand "crypto/rand"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/shared/billingkey"
)

// yesterday is when requests of tests began.
var yesterday = time.Now().UTC().Truncate(24 * time.Hour).Add(-12 * time.Hour)

// request is a record of alice's, at a time.
func request(at time.Time, change ...func(*record.Record)) record.Record {
	var id [16]byte
	crand.Read(id[:])
	keys := [2]billingkey.Key{}
	for i := range keys {
		var err error
		if keys[i], err = billingkey.NewKey(at.UnixMilli(), id); err != nil {
			panic(err)
		}
		id[0] ^= 1
	}
	r := record.Record{
		Origin: record.Origin{Topic: "gateway-log", MsgID: "m1", Broker: "b", Queue: 3, Offset: 42}, Key: keys[0], FingerprintKey: keys[1],
		KeySource: record.KeyFromGateway, KeyState: billingkey.Verified, RequestID: new(billingkey.RequestID(id).String()),
		Consumer: new("alice"), RouteID: new("chat"), ServiceID: new("s1"), Method: new("POST"), URI: new("/v1/chat"), Status: new(200),
		ClientIP: new("10.0.0.1"), RequestTime: at.UTC().Truncate(time.Millisecond), LatencyMS: new(12.5), Billable: true,
		BillableReason: "success", Body: "{}", Usage: record.Usage{
			State: record.UsageExact, Source: record.UsageFromBody, PromptTokens: 10, CompletionTokens: 5, TotalTokens: 15, Model: new("gpt"),
			RawJSON: []byte(`{"prompt_tokens":10}`),
		},
	}
	for _, c := range change {
		c(&r)
	}
	return r
}

func by(consumer string) func(*record.Record) {
	return func(r *record.Record) { r.Consumer = &consumer }
}

// worse is a copy whose logger kept no bodies.
func worse(r record.Record) record.Record {
	r.Usage = record.Usage{State: record.UsageMissing, Source: record.UsageFromNone}
	return r
}

// claimed is another request that claims the same key.
func claimed(r record.Record, consumer string) record.Record {
	r.Consumer = &consumer
	r.FingerprintKey[21] ^= 1
	r.Usage.PromptTokens, r.Usage.TotalTokens = 100, 105
	return r
}

// traffic is requests of three APISIX consumers, each in copies that know more or less, some of them of one order, some that
// claim another's key, in any order.
func traffic(random *rand.Rand, requests int) (copies []record.Record) {
	for i := range requests {
		name, order := []string{"alice", "bob", ""}[random.IntN(3)], fmt.Sprintf("order-%d", i/3)
		r := request(yesterday.Add(time.Duration(i)*time.Millisecond), by(name), func(r *record.Record) {
			r.Usage.PromptTokens += int64(i)
			r.Usage.TotalTokens += int64(i)
		})
		switch random.IntN(4) {
		case 0: // a failure that policy bills, until another request of the order succeeds
			r.Usage, r.IdempotencyKey, r.Status = record.Usage{State: record.UsageNone, Source: record.UsageFromNone}, &order, new(502)
		case 1:
			r.Usage, r.IdempotencyKey = record.Usage{State: record.UsageNone, Source: record.UsageFromNone}, &order
		case 2:
			copies = append(copies, worse(r), claimed(r, "carol"))
		}
		nameless := r
		nameless.Consumer = nil
		copies = append(copies, r, nameless)
	}
	random.Shuffle(len(copies), func(i, j int) { copies[i], copies[j] = copies[j], copies[i] })
	return copies
}

func (s *server) commit(t testing.TB, records ...record.Record) {
	t.Helper()
	if _, err := s.writer.Commit(t.Context(), record.Unit{Records: records}); err != nil {
		t.Fatal(err)
	}
}

// number gives all changes their numbers.
func (s *server) number(t testing.TB) {
	t.Helper()
	if _, err := s.store.NumberChanges(t.Context()); err != nil {
		t.Fatal(err)
	}
}
