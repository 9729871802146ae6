package usagereport_test

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"gateway-billing.internal/consumer/internal/decimal"
	"gateway-billing.internal/consumer/internal/ledger/totals"
	"gateway-billing.internal/consumer/internal/usagereport"
)

// Whatever names and figures there are, a row is JSON that reads as they are.
func FuzzAppendRow(f *testing.F) {
	f.Add("alice", "model", "image", int64(1), int64(7), "1.5")
	f.Add("", `dimension:"a\b"`, "\x00\t\n\u2028", int64(-1), int64(1)<<62, "-0.000000001")
	f.Add("\xff", "日本", "<&>", int64(0), int64(-1)<<63, "99999999999999999999.9")
	f.Fuzz(func(t *testing.T, consumer, by, unit string, records, tokens int64, quantity string) {
		amount, err := decimal.ParseAmount(quantity)
		if err != nil {
			return
		}
		begin := time.Date(2026, 11, 24, 5, 45, 0, 0, time.FixedZone("", 20700))
		sums := totals.Sums{Records: records, UsageMissing: 1, UsagePartial: 2, Quantities: map[string]decimal.Amount{unit: amount, "request ": amount}}
		figures := []*decimal.Count{
			&sums.PromptTokens, &sums.CompletionTokens, &sums.TotalTokens, &sums.CachedTokens, &sums.CacheWriteTokens, &sums.ReasoningTokens, &sums.AudioTokens,
		}
		large := new(big.Int)
		for i, c := range figures { // each another one, up to four times what an int64 holds
			*c = decimal.CountOf(tokens)
			large.SetInt64(tokens)
			for range i {
				*c = c.Plus(decimal.CountOf(tokens))
				large.Add(large, big.NewInt(tokens))
			}
		}
		row := totals.Row{Start: begin, End: begin.Add(time.Hour), Names: []*string{&consumer, nil, &unit}, Sums: sums}
		text := usagereport.AppendRow([]byte("[1,"), []totals.By{totals.By(by), "unknown", "status"}, &row)
		var all []json.RawMessage
		var got struct {
			From, To     time.Time
			Group        map[string]*string
			Records      int64
			UsageMissing int64       `json:"usage_missing"`
			UsagePartial int64       `json:"usage_partial"`
			Prompt       json.Number `json:"prompt_tokens"`
			Completion   json.Number `json:"completion_tokens"`
			Total        json.Number `json:"total_tokens"`
			Cached       json.Number `json:"cached_tokens"`
			CacheWrite   json.Number `json:"cache_write_tokens"`
			Reasoning    json.Number `json:"reasoning_tokens"`
			Audio        json.Number `json:"audio_tokens"`
			Quantities   map[string]string
		}
		if err := json.Unmarshal(append(text, ']'), &all); err != nil || len(all) != 2 {
			t.Fatalf("%s: %v", text, err)
		}
		if err := json.Unmarshal(all[1], &got); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if !got.From.Equal(row.Start) || !got.To.Equal(row.End) || !strings.Contains(string(text), "+05:45") || got.Records != records ||
			got.UsageMissing != 1 || got.UsagePartial != 2 || got.Prompt.String() != sums.PromptTokens.String() || got.Audio.String() != large.String() {
			t.Errorf("%s", text)
		}
		for i, n := range []json.Number{got.Prompt, got.Completion, got.Total, got.Cached, got.CacheWrite, got.Reasoning, got.Audio} {
			if n.String() != figures[i].String() {
				t.Errorf("%d. tokens are %s, want %s", i, n, figures[i])
			}
		}
		if !utf8.ValidString(consumer) || !utf8.ValidString(by) || !utf8.ValidString(unit) {
			return // the bytes that are no UTF-8 are replaced one by one, and two names may be one then
		}
		if by != "unknown" && by != "status" && (len(got.Group) != 3 || *got.Group[by] != consumer) || got.Group["unknown"] != nil ||
			got.Quantities[unit] != amount.String() || got.Quantities["request "] != amount.String() {
			t.Errorf("%s", text)
		}
	})
}

// Nothing used has all members too.
func TestAppendSumsOfNothing(t *testing.T) {
	const want = `{"records":0,"usage_missing":0,"usage_partial":0,"prompt_tokens":0,"completion_tokens":0,"total_tokens":0,"cached_tokens":0,` +
		`"cache_write_tokens":0,"reasoning_tokens":0,"audio_tokens":0,"quantities":{}}`
	if got := string(usagereport.AppendSums(nil, &totals.Sums{})); got != want {
		t.Errorf("%s", got)
	}
}
