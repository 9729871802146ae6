package usage

import (
	"math"
	"strconv"
	"strings"

	"gateway-billing.internal/consumer/internal/decimal"
	"gateway-billing.internal/consumer/internal/record"
)

// The units of quantities beside tokens. A unit of tokens in them is a part of a column's count that has a price of its
// own, never a count beside it.
const (
	UnitSearchUnits     = "search_units"
	UnitClassifications = "classifications"
	UnitImages          = "images"
	UnitVideos          = "videos"
	UnitVideoSeconds    = "video_seconds"
	UnitSeconds         = "seconds"    // of audio
	UnitCharacters      = "characters" // of speech
	UnitWebSearches     = "web_search_requests"
	UnitWebFetches      = "web_fetch_requests"
	UnitCacheWrite1h    = "cache_write_1h_tokens" // a part of cache_write_tokens
)

// maxCount is the largest count that is believed: far above any real request, far below what a sum of a day could
// overflow.
const maxCount = int64(1e12)

// counts are the counts of the normal form, before their parts are held against their whole; nil is not known.
type counts struct {
	prompt, completion, total                        *int64
	cached, cacheWrite, reasoning, audioIn, audioOut *int64
	quantities                                       []record.Quantity
	// spoiled: a count was there, but not a number that can be believed.
	spoiled bool
}

func (c *counts) tokens() bool { return c.prompt != nil || c.completion != nil || c.total != nil }

// zero says whether nothing was counted: not even a prompt, so the zeros are nobody's count.
func (c *counts) zero() bool {
	for _, n := range []*int64{c.prompt, c.completion, c.total, c.cached, c.cacheWrite, c.reasoning, c.audioIn, c.audioOut} {
		if value(n) != 0 {
			return false
		}
	}
	return len(c.quantities) == 0
}

// known says whether what the shape counts is all there.
func (c *counts) known() bool {
	return !c.spoiled && (c.prompt != nil && c.completion != nil || !c.tokens() && len(c.quantities) > 0)
}

// number reads a whole count, however it is written (5, 5.0, "5").
func (c *counts) number(value string) *int64 {
	if value == "" {
		return nil
	}
	if value[0] == '"' {
		value = strings.TrimSpace(text(value))
	}
	n, err := strconv.ParseFloat(value, 64)
	if err != nil || n < 0 || n > float64(maxCount) || n != math.Trunc(n) {
		c.spoiled = true
		return nil
	}
	return new(int64(n))
}

// quantity reads an amount of a unit; 0 is none.
func (c *counts) quantity(unit, value string) {
	if value == "" {
		return
	}
	if value[0] == '"' {
		value = strings.TrimSpace(text(value))
	}
	amount, _, ok := decimal.Parse(value)
	switch {
	case !ok:
		c.spoiled = true
	case amount != "0":
		c.quantities = append(c.quantities, record.Quantity{Unit: unit, Amount: amount})
	}
}

// normal brings the fields into the normal form, by the shape that they are of.
func (f *fields) normal() counts {
	var c counts
	n := func(i field) *int64 { return c.number(f.values[i]) }
	switch {
	case f.has(promptTokens) || f.has(completionTokens):
		c.prompt, c.completion, c.total = n(promptTokens), n(completionTokens), n(totalTokens)
		// Proxies write the names of Anthropic beside those of OpenAI.
		c.cached, c.cacheWrite = either(n(cachedTokens), n(cacheReadTokens)), either(n(cacheWriteTokens), n(cacheCreationTokens))
		if !f.has(completionTokens) && c.total != nil && c.prompt != nil && *c.total == *c.prompt {
			c.completion = new(int64) // embeddings
		}
	case f.has(inputTokens) || f.has(outputTokens):
		c.prompt, c.completion, c.total = n(inputTokens), n(outputTokens), n(totalTokens)
		c.cached, c.cacheWrite = n(cachedTokens), n(cacheWriteTokens)
		if f.has(cacheReadTokens) || f.has(cacheCreationTokens) {
			c.cached, c.cacheWrite = n(cacheReadTokens), n(cacheCreationTokens)
			c.prompt = sum(c.prompt, c.cached, c.cacheWrite)
		}
		if !f.has(outputTokens) && c.total != nil && c.prompt != nil && *c.total == *c.prompt {
			c.completion = new(int64)
		}
	case f.has(promptCount) || f.has(candidatesCount) || f.has(totalCount):
		f.gemini(&c)
	case f.has(inputCamel) || f.has(outputCamel):
		c.cached, c.cacheWrite, c.total = n(cacheReadInput), n(cacheWriteInput), n(totalCamel)
		c.prompt, c.completion = sum(n(inputCamel), c.cached, c.cacheWrite), n(outputCamel)
		if !f.has(outputCamel) && c.total != nil && c.prompt != nil && *c.total == *c.prompt {
			c.completion = new(int64)
		}
	case f.has(promptEval) || f.has(evalCount):
		c.prompt, c.completion = n(promptEval), n(evalCount)
		if f.noOutput && c.completion == nil {
			c.completion = new(int64)
		}
	case f.has(billedUnits):
		// What is not named there is not billed.
		if f.has(billedInput) || f.has(billedOutput) {
			c.prompt, c.completion = sum(n(billedInput), new(int64)), sum(n(billedOutput), new(int64))
		} else if f.has(billedTotal) {
			c.prompt, c.completion = n(billedTotal), new(int64)
		}
	case f.has(totalTokens): // rerank
		c.total = n(totalTokens)
		c.prompt, c.completion = c.total, new(int64)
	}
	c.reasoning = n(reasoningTokens)
	c.audioIn, c.audioOut = n(audioInput), n(audioOutput)
	if f.has(thoughtsCount) {
		c.reasoning = n(thoughtsCount)
	}
	f.quantities(&c)
	return c
}

// gemini: thoughts and the prompts of tools are counted beside the others, and members that are zero are left out.
func (f *fields) gemini(c *counts) {
	n := func(i field) *int64 { return c.number(f.values[i]) }
	c.total, c.cached = n(totalCount), n(cachedCount)
	c.prompt = sum(n(promptCount), n(toolUseCount))
	c.completion = sum(n(candidatesCount), n(thoughtsCount))
	if f.has(candidatesCount) && f.has(promptCount) || c.total == nil || c.spoiled {
		return
	}
	// Zero, if the total leaves nothing for it.
	told := value(c.prompt) + value(c.completion)
	if !f.has(candidatesCount) {
		c.completion = zeroIf(told == *c.total, c.completion)
	}
	if !f.has(promptCount) {
		c.prompt = zeroIf(told == *c.total, c.prompt)
	}
}

// zeroIf is what is known of a count, whose missing rest is zero or else not known.
func zeroIf(zero bool, rest *int64) *int64 {
	if !zero {
		return nil
	}
	return new(value(rest))
}

func (f *fields) quantities(c *counts) {
	for _, q := range []struct {
		unit string
		field
	}{
		{UnitSearchUnits, searchUnits}, {UnitImages, billedImages}, {UnitClassifications, classifications},
		{UnitWebSearches, webSearches}, {UnitWebFetches, webFetches}, {UnitCacheWrite1h, cacheWrite1h},
		{UnitVideos, videoCount}, {UnitVideoSeconds, videoSeconds},
	} {
		c.quantity(q.unit, f.values[q.field])
	}
	if c.tokens() {
		return // what follows would be the same text, sound or picture once more
	}
	c.quantity(UnitCharacters, f.values[characters])
	c.quantity(UnitSeconds, f.values[seconds])
	c.quantity(UnitImages, f.values[imageCount])
}

// sum adds what is known; nil where nothing is.
func sum(all ...*int64) (total *int64) {
	for _, n := range all {
		if n != nil {
			total = new(value(total) + *n)
		}
	}
	return total
}

// fill writes the counts, the parts never larger than their whole and total = prompt + completion. Where the provider's
// own numbers disagree with that, Mismatch says so.
func (c *counts) fill(u *record.Usage) {
	u.PromptTokens, u.CompletionTokens = value(c.prompt), value(c.completion)
	u.TotalTokens = u.PromptTokens + u.CompletionTokens
	u.CachedTokens = part(c.cached, u.PromptTokens, &u.Mismatch)
	u.CacheWriteTokens = part(c.cacheWrite, u.PromptTokens-u.CachedTokens, &u.Mismatch)
	u.ReasoningTokens = part(c.reasoning, u.CompletionTokens, &u.Mismatch)
	u.AudioTokens = part(c.audioIn, u.PromptTokens, &u.Mismatch) + part(c.audioOut, u.CompletionTokens, &u.Mismatch)
	u.Quantities = c.quantities
	if c.total != nil && *c.total != u.TotalTokens {
		u.Mismatch = true
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

// differ says whether two sources that both know all counts disagree.
func differ(a, b *counts) bool {
	return value(a.prompt) != value(b.prompt) || value(a.completion) != value(b.completion)
}
