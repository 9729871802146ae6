package usage

import (
	"net/url"
	"slices"
	"strings"

	"gateway-billing.internal/shared/logentry"
)

// request is what the request tells, as far as the logger kept it.
type request struct {
	// model is out of the body, else out of the path.
	model *string
	// stream is nil when nothing tells; a body that was seen whole and has a model, but no stream, asks for none.
	stream *bool
	// several: more than one choice is asked for.
	several bool
	// asks: it names a model, or what to answer.
	asks bool
}

func readRequest(e *logentry.Entry) request {
	var ask request
	if e.RequestBody != nil {
		var model, stream string
		_, whole := members(*e.RequestBody, func(name, value string) {
			switch name {
			case "model":
				model = text(value)
			case "messages", "input", "prompt":
				ask.asks = true
			case "stream":
				stream = value
			case "n":
				ask.several = ask.several || isSeveral(value)
			case "generationConfig", "generation_config": // Gemini
				ask.several = ask.several || isSeveral(raw(value, "candidateCount")) || isSeveral(raw(value, "candidate_count"))
			}
		})
		ask.model = known(model)
		switch {
		case stream == "true":
			ask.stream = new(true)
		case whole && model != "":
			ask.stream = new(false)
		}
	}
	inPath, streams := fromPath(pathOf(e))
	ask.model, ask.stream = either(ask.model, known(inPath)), either(streams, ask.stream)
	ask.asks = ask.asks || ask.model != nil
	return ask
}

// isSeveral says whether a number is not one.
func isSeveral(n string) bool { return n != "" && n != "1" && n != "null" }

// fromPath reads the model out of a path, and whether the answer is a stream, where the provider puts them there:
//
//	Gemini   …/models/{model}:generateContent, :streamGenerateContent
//	Azure    …/deployments/{deployment}/…
//	Bedrock  …/model/{model}/converse, converse-stream, invoke, invoke-with-response-stream
func fromPath(path string) (model string, streams *bool) {
	parts := strings.Split(path, "/")
	for i := range len(parts) - 1 {
		name, next := parts[i], parts[i+1]
		last := parts[len(parts)-1]
		switch {
		case name == "models" && strings.Contains(next, ":"):
			model, action, _ := strings.Cut(next, ":")
			if action == "generateContent" || action == "streamGenerateContent" {
				streams = new(action == "streamGenerateContent")
			}
			return unescaped(model), streams
		case name == "deployments" && i+2 < len(parts):
			return unescaped(next), nil
		case name == "model" && slices.Contains([]string{"converse", "converse-stream", "invoke", "invoke-with-response-stream"}, last):
			return unescaped(next), new(strings.HasSuffix(last, "-stream"))
		}
	}
	return "", nil
}

func unescaped(s string) string {
	if plain, err := url.PathUnescape(s); err == nil {
		return plain
	}
	return s
}

// The ends of the paths under which the providers answer with usage, and of those that they serve without counting.
var (
	meteredPaths = []string{
		"/chat/completions", "/completions", "/embeddings", "/responses", "/messages", "/rerank", "/reranking",
		"/images/generations", "/images/edits", "/images/variations", "/audio/transcriptions", "/audio/translations",
		"/audio/speech", ":generateContent", ":streamGenerateContent", ":embedContent", ":batchEmbedContents",
		"/converse", "/converse-stream", "/invoke", "/invoke-with-response-stream",
		"/api/chat", "/api/generate", "/api/embed", "/v2/chat", "/v1/chat", "/v1/embed", "/v2/embed",
		"/text-generation/generation", "/multimodal-generation/generation", "/text-embedding/text-embedding",
		"/v1/realtime", "/openai/realtime", ".BidiGenerateContent",
	}
	freePaths = []string{"/moderations", "/count_tokens", "/input_tokens", ":countTokens", "/tokenize", "/detokenize"}
)

// metered says whether the request is one that a provider meters: a POST to a known path, one that names a model, one
// that ai-proxy took for one, one whose answer has the form of a model's, or any that the hint says.
func metered(e *logentry.Entry, ask request, hint Hint, a *answer) bool {
	path := pathOf(e)
	return !endsIn(path, freePaths) && (hint != "" || ask.model != nil || e.LLMSummary != nil || a.fromModel || endsIn(path, meteredPaths))
}

// opensSession says whether the request turned into a session over a socket (101), where a provider answers: its events
// are in no log.
func opensSession(e *logentry.Entry, hint Hint) bool {
	return e.Status != nil && *e.Status == 101 && (hint != "" || endsIn(pathOf(e), meteredPaths))
}

// pathOf is the path of the request, "" where it is not known.
func pathOf(e *logentry.Entry) string {
	if e.URI == nil {
		return ""
	}
	path, _, _ := strings.Cut(*e.URI, "?")
	return path
}

// endsIn says whether a path ends in one of these.
func endsIn(path string, ends []string) bool {
	return slices.ContainsFunc(ends, func(end string) bool { return strings.HasSuffix(path, end) })
}
