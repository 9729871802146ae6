package usage_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/consumer/internal/usage"
)

const maxBody = 512 << 10 // the logger's default limit

// body repeats a piece until the body has its size, between a head and a tail.
func body(head, piece, tail string, size int) string {
	return head + strings.Repeat(piece, max((size-len(head)-len(tail))/len(piece), 1)) + tail
}

var bodies = []struct{ name, body string }{
	{"chat", strings.Replace(jsonAnswer, `"content":"hi"`, `"content":"`+strings.Repeat(`It says \"hello\".\n`, 80)+`"`, 1)},
	{"stream_12KiB", body("", chunk, finish+usageChunk+done, 12<<10)},
	{"stream_512KiB", body("", chunk, finish+usageChunk+done, maxBody)},
	{"stream_cumulative_512KiB", body("", strings.SplitAfter(continuous, "\n\n")[0], finish+usageChunk+done, maxBody)},
	{"embeddings_512KiB", body(`{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.1`, `,-0.0123456789`,
		`]}],"model":"m","usage":{"prompt_tokens":8,"total_tokens":8}}`, maxBody)},
	{"anthropic_stream_64KiB", body(
		`data: {"type":"message_start","message":{"id":"m","model":"c","usage":{"input_tokens":25,"output_tokens":1}}}`+"\n\n",
		`data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello"}}`+"\n\n",
		`data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":15}}`+"\n\n"+`data: {"type":"message_stop"}`+"\n\n", 64<<10)},
	{"ollama_64KiB", body("", `{"model":"m","message":{"role":"assistant","content":"hi"},"done":false}`+"\n",
		`{"model":"m","done":true,"prompt_eval_count":26,"eval_count":298}`+"\n", 64<<10)},
}

// BenchmarkExtract reads whole answers, and beside each does encoding/json the least that would find the same counts.
func BenchmarkExtract(b *testing.B) {
	for _, bb := range bodies {
		b.Run(bb.name, func(b *testing.B) {
			e := entry(bb.body)
			if usage.Extract(e, "").State != record.UsageExact {
				b.Fatal("not exact")
			}
			b.SetBytes(int64(len(bb.body)))
			b.ReportAllocs()
			for b.Loop() {
				usage.Extract(e, "")
			}
		})
		b.Run(bb.name+"_encoding_json", func(b *testing.B) {
			b.SetBytes(int64(len(bb.body)))
			b.ReportAllocs()
			for b.Loop() {
				if n := withEncodingJSON(bb.body); n == 0 {
					b.Fatal("no count")
				}
			}
		})
	}
}

// withEncodingJSON is the sum of the last counts of an answer.
func withEncodingJSON(body string) (sum int64) {
	type counts struct {
		Prompt     int64 `json:"prompt_tokens"`
		Completion int64 `json:"completion_tokens"`
		Output     int64 `json:"output_tokens"`
	}
	type frame struct {
		Model string  `json:"model"`
		Usage *counts `json:"usage"`
		Eval  int64   `json:"eval_count"`
	}
	read := func(text string) {
		var f frame
		if json.Unmarshal([]byte(text), &f) != nil {
			return
		}
		if f.Usage != nil {
			sum = f.Usage.Prompt + f.Usage.Completion + f.Usage.Output
		}
		sum = max(sum, f.Eval)
	}
	if strings.Count(body, "\n") == 0 {
		read(body)
		return sum
	}
	for line := range strings.Lines(body) {
		read(strings.TrimPrefix(line, "data: "))
	}
	return sum
}

// The cost grows with the bytes, not faster, also for bodies that are made to be slow.
func BenchmarkHostile(b *testing.B) {
	for _, n := range []int{64 << 10, maxBody} {
		for name, piece := range map[string]string{
			"returns": "\r", "data lines": "data:x\n", "quotes": `{"a":"\\\"`, "backslashes": `{"a":"\\\\\\\\`, "brackets": "[", "objects": `{"usage":{}}`,
		} {
			b.Run(fmt.Sprintf("%s/%dKiB", strings.ReplaceAll(name, " ", "_"), n>>10), func(b *testing.B) {
				e := entry("data:" + strings.Repeat(piece, n/len(piece)))
				b.SetBytes(int64(n))
				for b.Loop() {
					usage.Extract(e, "")
				}
			})
		}
	}
}
