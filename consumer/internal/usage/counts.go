package usage

import (
	"encoding/json"
	"math"
	"strconv"

	"gateway-billing.internal/consumer/internal/record"
)

// maxCount is the largest count that is believed: far above any real request, far below what a sum of a day could
// overflow.
const maxCount = int64(1e12)

// counts are the numbers of a usage object before they are brought into the normal form; nil is not known.
type counts struct {
	prompt, completion, total                        *int64
	cached, cacheWrite, reasoning, audioIn, audioOut *int64
	// spoiled: a count was there, but not a number that can be believed.
	spoiled bool
}

func (c *counts) any() bool {
	return c.prompt != nil || c.completion != nil || c.total != nil
}

// number reads a whole count, however it is written (5, 5.0, "5"); null and absent are not known.
func (c *counts) number(raw json.RawMessage) *int64 {
	text := string(raw)
	if text == "" || text == "null" {
		return nil
	}
	if text[0] == '"' && json.Unmarshal(raw, &text) != nil {
		c.spoiled = true
		return nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f < 0 || f > float64(maxCount) || f != math.Trunc(f) {
		c.spoiled = true
		return nil
	}
	return new(int64(f))
}

// fill brings the counts into the normal form: the parts never exceed their whole, total = prompt + completion. Where
// the provider's own numbers disagree with that, Mismatch says so.
func (c *counts) fill(u *record.Usage) {
	known := c.prompt != nil && c.completion != nil
	switch {
	case c.prompt != nil && c.completion == nil && c.total != nil && *c.total == *c.prompt:
		known = true // embeddings have no completion
	case c.prompt == nil && c.completion == nil && c.total != nil:
		c.prompt = c.total // a total alone (rerank) is prompt
		known = true
	}
	u.PromptTokens, u.CompletionTokens = value(c.prompt), value(c.completion)
	u.TotalTokens = u.PromptTokens + u.CompletionTokens
	u.CachedTokens = part(c.cached, u.PromptTokens, &u.Mismatch)
	u.CacheWriteTokens = part(c.cacheWrite, u.PromptTokens-u.CachedTokens, &u.Mismatch)
	u.ReasoningTokens = part(c.reasoning, u.CompletionTokens, &u.Mismatch)
	u.AudioTokens = part(c.audioIn, u.PromptTokens, &u.Mismatch) + part(c.audioOut, u.CompletionTokens, &u.Mismatch)
	if c.total != nil && *c.total != u.TotalTokens {
		u.Mismatch = true
	}
	u.State = record.UsageExact
	if !known || c.spoiled {
		u.State = record.UsagePartial
	}
}

func value(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

// part is a count that can't be larger than its whole.
func part(n *int64, whole int64, mismatch *bool) int64 {
	if value(n) > whole {
		*mismatch = true
		return whole
	}
	return value(n)
}
