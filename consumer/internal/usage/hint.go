package usage

import (
	"slices"
	"strings"

	"gateway-billing.internal/shared/logentry"
)

// Hint is what the operator says of the provider behind a route; empty for nothing. Shapes are told apart by their
// members all the same: a hint says that the route is metered, and decides what the members leave open.
type Hint string

// The hints.
const (
	// NotMetered: no provider that counts tokens stands behind the route. Nothing is read from its bodies.
	NotMetered Hint = "none"
	OpenAI     Hint = "openai"
	Anthropic  Hint = "anthropic"
	Gemini     Hint = "gemini"
	Bedrock    Hint = "bedrock"
	DashScope  Hint = "dashscope"
	Ollama     Hint = "ollama"
	Cohere     Hint = "cohere"
)

// Hints are all of them but the empty one.
func Hints() []Hint {
	return []Hint{NotMetered, OpenAI, Anthropic, Gemini, Bedrock, DashScope, Ollama, Cohere}
}

// excludesCached says whether the provider counts cached tokens beside its prompt tokens, as Anthropic and Bedrock do.
// It matters for llm_summary alone, which names its provider nowhere: usage objects tell by their members.
func excludesCached(e *logentry.Entry, hint Hint, a *answer) bool {
	switch hint {
	case Anthropic, Bedrock:
		return true
	case "":
		return a.fields.has(cacheReadTokens) || a.fields.has(cacheCreationTokens) || a.fields.has(cacheReadInput) ||
			e.URI != nil && slices.ContainsFunc([]string{"/messages", "/converse", "/converse-stream"}, func(end string) bool {
				return strings.HasSuffix(path(*e.URI), end)
			})
	default:
		return false
	}
}

func path(uri string) string {
	p, _, _ := strings.Cut(uri, "?")
	return p
}
