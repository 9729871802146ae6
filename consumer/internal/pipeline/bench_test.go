package pipeline_test

import (
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"

	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/consumer/internal/redact"
	"gateway-billing.internal/shared/billingkey"
)

// What deriving entries costs that carry the gateway's word and a sealed stamp, by what they hold and what is kept of them.
func BenchmarkUnit(b *testing.B) {
	keys, err := billingkey.ParseKeys("k1:" + strings.Repeat("A", 43) + "=")
	if err != nil {
		b.Fatal(err)
	}
	sealer, err := billingkey.NewSealer(keys, billingkey.NewEpoch(time.Now(), 7), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	carrying := func(entry string) string {
		stamp, err := sealer.Seal(billingkey.Stamp{
			RequestID: billingkey.RequestID{15: 1}, IDSource: billingkey.IDFromVar, Consumer: "alice",
			Time: time.UnixMilli(1795347865715), Runner: "gateway-1",
		})
		if err != nil {
			b.Fatal(err)
		}
		entry = strings.Replace(entry, `"headers":{`, fmt.Sprintf(`"headers":{"x-billing-stamp":%q,`, stamp), 1)
		return fmt.Sprintf(`{"billing":{"request_id":"%032x","stamp":%q},`, 1, stamp) + entry[1:]
	}
	entry := carrying(sample(b, "plain-json.jsonl"))
	for _, bb := range []struct {
		name string
		body string
		keep redact.Policy
	}{
		{"one", entry, redact.Redacted},
		{"one full", entry, redact.Full},
		{"one none", entry, redact.None},
		{"batch of 10", "[" + strings.Repeat(entry+",", 9) + entry + "]", redact.Redacted},
		{"stream", carrying(sample(b, "sse-chunks50.jsonl")), redact.Redacted},
	} {
		b.Run(bb.name, func(b *testing.B) {
			d := deriver(b)
			d.Keys = keys
			d.Body = redact.New(bb.keep, nil, nil)
			body := []byte(bb.body)
			unit := d.Unit(record.Origin{}, body)
			if unit.Records[0].KeyState != billingkey.Verified && bb.name != "stream" {
				b.Fatalf("the stamp is %s", unit.Records[0].KeyState)
			}
			kept := 0
			for _, r := range unit.Records {
				kept += len(r.Body)
			}
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				d.Unit(record.Origin{}, body)
			}
			b.ReportMetric(float64(kept), "kept-B/op")
		})
	}
}
