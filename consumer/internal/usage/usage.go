// Package usage owns what one request consumed: it finds the provider's usage object in the answer that the gateway
// logged, brings it into the one normal form of record.Usage, and says how sure that is. It never guesses: a count that
// can't be read is 0 and the state says so. Each provider's shape stands in a file of its own.
package usage

import (
	"strings"

	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/shared/logentry"
)

// finding is what a body told: the usage object if there was one, and whether the body was seen to its own end.
type finding struct {
	counts counts
	found  bool
	// ended: a JSON document that closes, or a stream with its terminal event.
	ended bool
	// cut: the body stops inside a document.
	cut     bool
	usage   []byte
	model   *string
	id      *string
	tier    *string
	isEvent bool
}

// Extract reads the usage of one entry.
//
// The state is exact when every count is known and the answer was seen to its own end; partial when only some are or
// the end is missing; missing when the request is metered (or its answer was cut) and no usage can be read; none when
// it is not a metered call, among them every answer of status 400 and above but 499 (the client went away, the model may
// have answered), and every method but POST: reading a stored answer shows the usage of the call that made it again.
func Extract(e *logentry.Entry) record.Usage {
	u := record.Usage{State: record.UsageNone, Source: record.UsageFromNone}
	ask := readRequest(e)
	u.ModelRequested = ask.model

	var f finding
	if e.ResponseBody != nil {
		f = read(*e.ResponseBody, contentType(e))
		u.Model, u.ProviderResponseID, u.ServiceTier = f.model, f.id, f.tier
	}
	u.Stream = streamed(e, ask, f)
	switch {
	case e.Method != nil && *e.Method != "POST":
		u.RawJSON = f.usage
	case f.found && f.counts.any():
		u.RawJSON = f.usage
		u.Source = record.UsageFromBody
		f.counts.fill(&u)
		if !f.ended {
			u.State = record.UsagePartial
		}
	case f.found:
		u.RawJSON = f.usage
		u.State = record.UsageMissing
	case e.Status != nil && *e.Status >= 400 && *e.Status != 499:
		u.State = record.UsageNone
	case metered(e, ask), f.cut:
		u.State = record.UsageMissing
	}
	return u
}

// read finds the usage object of a body, whatever its framing.
func read(body, contentType string) finding {
	if strings.HasPrefix(contentType, "text/event-stream") || looksLikeEvents(body) {
		if f := readEvents(body); f.isEvent {
			return f
		}
	}
	return readDocument(body)
}

func contentType(e *logentry.Entry) string {
	if values := e.ResponseHeaders["content-type"]; len(values) > 0 {
		return strings.ToLower(values[0])
	}
	return ""
}

// streamed says whether the answer was a stream: the answer's own form first, else what was asked for.
func streamed(e *logentry.Entry, ask request, f finding) *bool {
	yes, no := true, false
	switch {
	case f.isEvent:
		return &yes
	case !f.found && strings.HasPrefix(contentType(e), "text/event-stream"):
		return &yes
	case f.found:
		return &no
	default:
		return ask.stream
	}
}
