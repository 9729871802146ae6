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

// counts reads the summary: exact where prompt and completion are told, partial where one is. prompt_tokens includes the
// cached ones as OpenAI counts, and excludes them as Anthropic does.
func (s *summary) counts(excludesCached bool) (counts, record.UsageState) {
	var c counts
	read := func(value string) *int64 {
		if strings.Trim(value, `" `) == "0" || value == "null" {
			return nil
		}
		return c.number(value)
	}
	c.prompt, c.completion = read(s.prompt), read(s.completion)
	c.cached, c.cacheWrite, c.reasoning = read(s.cacheRead), read(s.cacheCreation), read(s.reasoning)
	if total := read(s.total); c.completion == nil && c.prompt != nil && total != nil && *total == *c.prompt {
		c.completion = new(int64) // embeddings
	}
	told := c.prompt != nil
	if excludesCached {
		c.prompt = sum(c.prompt, c.cached, c.cacheWrite)
	}
	switch {
	case told && c.completion != nil && !c.spoiled:
		return c, record.UsageExact
	case c.prompt != nil || c.completion != nil:
		return c, record.UsagePartial
	default:
		return counts{}, record.UsageNone
	}
}
