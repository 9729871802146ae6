package usage

import "encoding/json"

// OpenAI chat completions, completions and embeddings, and the many servers that answer in their shape:
//
//	"usage": {"prompt_tokens", "completion_tokens", "total_tokens",
//	          "prompt_tokens_details": {"cached_tokens", "cache_write_tokens", "audio_tokens"},
//	          "completion_tokens_details": {"reasoning_tokens", "audio_tokens"}}
//
// prompt_tokens includes the cached ones, completion_tokens the reasoning ones. Every details object may be absent or
// null. In a stream the usage stands on the last chunk (include_usage), or grows on every chunk; the last one counts.

// otherShapes are members of usage objects that split their tokens in another way (OpenAI Responses, Anthropic,
// DashScope, Bedrock, Gemini). Until their shapes are read, their usage is missing.
var otherShapes = []string{
	"input_tokens", "output_tokens", "inputTokens", "outputTokens", "promptTokenCount", "candidatesTokenCount", "tokens",
	"billed_units",
}

// openAI reads a usage object of this shape; no count is known where it is another.
func openAI(raw json.RawMessage) counts {
	var c counts
	doc := scan(string(raw), append([]string{
		"prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details", "completion_tokens_details",
	}, otherShapes...)...)
	_, prompt := doc.members["prompt_tokens"]
	_, completion := doc.members["completion_tokens"]
	for _, name := range otherShapes {
		// Some servers write those members beside this shape's.
		if _, ok := doc.members[name]; ok && !prompt && !completion {
			return c // its total would be taken for prompt alone
		}
	}
	c.prompt = c.number(doc.members["prompt_tokens"])
	c.completion = c.number(doc.members["completion_tokens"])
	c.total = c.number(doc.members["total_tokens"])
	in := scan(string(doc.objectAt("prompt_tokens_details")), "cached_tokens", "cache_write_tokens", "audio_tokens")
	c.cached = c.number(in.members["cached_tokens"])
	c.cacheWrite = c.number(in.members["cache_write_tokens"])
	c.audioIn = c.number(in.members["audio_tokens"])
	out := scan(string(doc.objectAt("completion_tokens_details")), "reasoning_tokens", "audio_tokens")
	c.reasoning = c.number(out.members["reasoning_tokens"])
	c.audioOut = c.number(out.members["audio_tokens"])
	return c
}

// readDocument reads an answer that is one JSON object.
func readDocument(body string) finding {
	doc := scan(body, "usage", "model", "id", "service_tier")
	f := finding{
		ended: doc.whole,
		cut:   doc.object && !doc.whole,
		model: doc.text("model"),
		id:    doc.text("id"),
		tier:  doc.text("service_tier"),
	}
	if raw := doc.objectAt("usage"); raw != nil {
		f.found, f.usage, f.counts = true, raw, openAI(raw)
	}
	return f
}

// readEvents reads an answer that is a stream of server-sent events. The stream's own end is [DONE], or a frame with
// usage that has a finish reason or nothing else. A finish reason without usage is no end: where every frame tells the
// usage so far, the last word on it is still to come.
func readEvents(body string) finding {
	f := finding{}
	for data := range events(body) {
		f.isEvent = true
		if data == "[DONE]" {
			f.ended = true
			continue
		}
		doc := scan(data, "usage", "model", "id", "service_tier", "choices")
		if !doc.whole {
			f.cut = true
			continue
		}
		f.model = firstOf(f.model, doc.text("model"))
		f.id = firstOf(f.id, doc.text("id"))
		f.tier = firstOf(f.tier, doc.text("service_tier"))
		raw := doc.objectAt("usage")
		if raw != nil {
			// An object without counts takes nothing away from one before it.
			if counts := openAI(raw); counts.any() || !f.found {
				f.found, f.usage, f.counts = true, raw, counts
			}
		}
		if choices := doc.members["choices"]; raw != nil && (string(choices) == "[]" || finished(choices)) {
			f.ended = true
		}
	}
	return f
}

// finished says whether a choice carries a finish reason.
func finished(raw json.RawMessage) bool {
	var choices []map[string]json.RawMessage
	if json.Unmarshal(raw, &choices) != nil {
		return false
	}
	for _, choice := range choices {
		if reason := choice["finish_reason"]; len(reason) > 0 && reason[0] == '"' {
			return true
		}
	}
	return false
}

func firstOf(have, next *string) *string {
	if have != nil {
		return have
	}
	return next
}
