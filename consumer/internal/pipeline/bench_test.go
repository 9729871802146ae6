package pipeline_test

import (
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"

	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/shared/billingkey"
)

// What deriving entries costs that carry the gateway's word and a sealed stamp, by what they hold.
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
	}{
		{"one", entry},
		{"batch of 10", "[" + strings.Repeat(entry+",", 9) + entry + "]"},
		{"stream", carrying(sample(b, "sse-chunks50.jsonl"))},
	} {
		b.Run(bb.name, func(b *testing.B) {
			d := deriver(b)
			d.Keys = keys
			body := []byte(bb.body)
			if unit := d.Unit(record.Origin{}, body); unit.Records[0].KeyState != billingkey.Verified && bb.name != "stream" {
				b.Fatalf("the stamp is %s", unit.Records[0].KeyState)
			}
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				d.Unit(record.Origin{}, body)
			}
		})
	}
}
