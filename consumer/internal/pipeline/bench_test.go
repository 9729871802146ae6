package pipeline_test

import (
	"strings"
	"testing"

	"gateway-billing.internal/consumer/internal/record"
)

// What deriving one entry costs, by the size of what it holds.
func BenchmarkUnit(b *testing.B) {
	entry := sample(b, "plain-json.jsonl")
	for _, bb := range []struct {
		name string
		body string
	}{
		{"one", entry},
		{"batch of 10", "[" + strings.Repeat(entry+",", 9) + entry + "]"},
		{"stream", sample(b, "sse-chunks50.jsonl")},
	} {
		b.Run(bb.name, func(b *testing.B) {
			d := deriver(b)
			body := []byte(bb.body)
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				d.Unit(record.Origin{}, body)
			}
		})
	}
}
