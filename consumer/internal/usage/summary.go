package usage

import (
	"strings"

	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/shared/logentry"
)

// summary is APISIX's llm_summary: what its ai-proxy read of the answer. A count that was never set stands there as the
// text "0", so zero is not known.
type summary struct {
	prompt, completion, total, cacheRead, cacheCreation, reasoning string
	model                                                          string
}

func readSummary(e *logentry.Entry) summary {
	var s summary
	if e.LLMSummary == nil {
		return s
	}
	members(string(e.LLMSummary), func(name, value string) {
		switch name {
		case "prompt_tokens":
			s.prompt = value
		case "completion_tokens":
			s.completion = value
		case "total_tokens":
			s.total = value
		case "cache_read_input_tokens":
			s.cacheRead = value
		case "cache_creation_input_tokens":
			s.cacheCreation = value
		case "reasoning_tokens":
			s.reasoning = value
		case "model":
			s.model = text(value)
		}
	})
	return s
}

// counts reads the summary: exact where prompt and completion are told and nothing is left open, partial where one is
// told. body is what the answer itself told.
func (s *summary) counts(hint Hint, body *counts) (counts, record.UsageState) {
	var c counts
	read := func(value string) *int64 {
		if strings.Trim(value, `" `) == "0" || value == "null" {
			return nil
		}
		return c.number(value)
	}
	c.prompt, c.completion = read(s.prompt), read(s.completion)
	c.cached, c.cacheWrite, c.reasoning = read(s.cacheRead), read(s.cacheCreation), read(s.reasoning)
	total := read(s.total)
	if c.completion == nil && c.prompt != nil && total != nil && *total == *c.prompt {
		c.completion = new(int64) // embeddings
	}
	told := c.known()
	known := c.addCached(total, hint, body)
	// Bedrock's total holds its cached tokens, which the gateway tells nowhere else.
	known = known && value(total) <= value(c.prompt)+value(c.completion)
	switch {
	case told && known:
		return c, record.UsageExact
	case c.prompt != nil || c.completion != nil:
		return c, record.UsagePartial
	default:
		return counts{}, record.UsageNone
	}
}

// addCached adds the cached tokens to a prompt that leaves them out, and says whether it is known that it does or does
// not: OpenAI counts them within, Anthropic and Bedrock beside. The path says nothing of it, since ai-proxy takes calls in
// the form of one for another and passes on the numbers of the one that answered; nor does a total that is prompt and
// completion, since the gateway adds them up itself. Where nothing tells, nothing is added.
func (c *counts) addCached(total *int64, hint Hint, body *counts) (known bool) {
	cached, prompt := value(c.cached)+value(c.cacheWrite), value(c.prompt)
	switch {
	case cached == 0:
		return true
	case cached > prompt, // more than could be within
		value(total) == prompt+cached+value(c.completion),
		hint.excludesCached(),
		hint == "" && value(body.prompt) == prompt+cached:
		c.prompt = new(prompt + cached)
		return true
	default:
		return hint != "" || value(body.prompt) == prompt
	}
}
