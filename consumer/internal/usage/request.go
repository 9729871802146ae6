package usage

import (
	"strings"

	"gateway-billing.internal/shared/logentry"
)

// request is what the request body tells, as far as the logger kept it.
type request struct {
	model *string
	// stream is nil when the body does not tell; a body that was seen whole and has a model, but no stream, asks for none.
	stream *bool
}

func readRequest(e *logentry.Entry) request {
	var ask request
	if e.RequestBody == nil {
		return ask
	}
	doc := scan(*e.RequestBody, "model", "stream")
	ask.model = doc.text("model")
	switch {
	case string(doc.members["stream"]) == "true":
		ask.stream = new(true)
	case doc.whole && ask.model != nil:
		ask.stream = new(false)
	}
	return ask
}

// meteredPaths are the ends of the paths under which the providers answer with usage.
var meteredPaths = []string{
	"/chat/completions", "/completions", "/embeddings", "/responses", "/messages", "/rerank",
}

// metered says whether the request is one that a provider meters: a POST to a known path, or one that names a model.
func metered(e *logentry.Entry, ask request) bool {
	if e.Method != nil && *e.Method != "POST" {
		return false
	}
	if ask.model != nil {
		return true
	}
	if e.URI == nil {
		return false
	}
	path, _, _ := strings.Cut(*e.URI, "?")
	for _, end := range meteredPaths {
		if strings.HasSuffix(path, end) {
			return true
		}
	}
	return false
}
