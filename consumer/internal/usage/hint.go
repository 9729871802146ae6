package usage

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

// excludesCached says whether the provider counts cached tokens beside its prompt tokens.
func (h Hint) excludesCached() bool { return h == Anthropic || h == Bedrock }
