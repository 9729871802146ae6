// Package usage owns what one request consumed: it finds the provider's usage object in the answer that the gateway
// logged, or else in the gateway's own llm_summary, brings it into the one normal form of record.Usage, and says how sure
// that is. It never guesses: a count that can't be read is 0 and the state says so.
//
// The way of a body: framing (one document, an array, lines of documents, server-sent events) → frames → the fields of
// usage objects, where the last present value of each counts → counts of the normal form → record.Usage.
package usage

import (
	"strings"

	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/shared/logentry"
)

// Extract reads the usage of one entry.
//
// The state is exact when every count is known and the answer was seen to its own end; partial when only some are, or
// the end is not there; missing when the request is metered and no count can be read; none when it is not a metered
// call, among them every answer of status 400 and above without counts, 499 apart (the client went away, the model may
// have answered), every method but POST, and each POST to a stored answer: it shows the usage of the call that made it
// again. A session over a socket is missing: what it consumed is in no log.
func Extract(e *logentry.Entry, hint Hint) record.Usage {
	u := record.Usage{State: record.UsageNone, Source: record.UsageFromNone}
	ask := readRequest(e)
	u.ModelRequested = ask.model
	if refused(e) {
		ask.model = nil // nobody answered for it: it is any text that a client likes, and would be a name in the sums
	}
	if hint == NotMetered {
		u.Model = ask.model
		return u
	}
	var a answer
	if e.ResponseBody != nil {
		a = readAnswer(*e.ResponseBody, contentType(e), ask.several)
	}
	u.Model, u.ProviderResponseID, u.ServiceTier = either(known(a.model), ask.model), known(a.id), known(a.tier)
	u.Stream = streamed(e, ask, &a)
	u.RawJSON = a.rawUsage()
	if opensSession(e, hint) {
		u.State = record.UsageMissing
		return u
	}
	if e.Method != nil && *e.Method != "POST" || isStored(e) && !ask.asks {
		return u
	}
	isMetered := metered(e, ask, hint, &a)
	fromBody, bodyState := a.counts(e, isMetered)
	summary := readSummary(e)
	fromSummary, summaryState := summary.counts(hint, &fromBody)
	switch {
	case bodyState.Rank() == 0 && summaryState.Rank() == 0:
		if (isMetered || a.cut) && !failed(e) {
			u.State = record.UsageMissing
		}
	case summaryState.Rank() > bodyState.Rank():
		u.State, u.Source = summaryState, record.UsageFromLLMSummary
		fromSummary.fill(&u)
		u.Model = either(known(a.model), either(known(summary.model), ask.model))
	default:
		u.State, u.Source = bodyState, record.UsageFromBody
		fromBody.fill(&u)
		if bodyState == record.UsageExact && fromSummary.known() && differ(&fromBody, &fromSummary) {
			u.Mismatch = true
		}
	}
	return u
}

// refused says whether the answer is that of a request that is wrong.
func refused(e *logentry.Entry) bool { return failed(e) && *e.Status < 500 }

// failed says whether the answer is an error that the upstream or the gateway gave.
func failed(e *logentry.Entry) bool { return e.Status != nil && *e.Status >= 400 && *e.Status != 499 }

func contentType(e *logentry.Entry) string {
	if values := e.ResponseHeaders.Get("content-type"); len(values) > 0 {
		return strings.ToLower(values[0])
	}
	return ""
}

// streamed says whether the answer was a stream: the answer's own form first, else what was asked for.
func streamed(e *logentry.Entry, ask request, a *answer) *bool {
	switch {
	case a.streaming:
		return new(true)
	case a.found:
		return new(false)
	case strings.HasPrefix(contentType(e), "text/event-stream"), strings.HasPrefix(contentType(e), eventStream):
		return new(true)
	default:
		return ask.stream
	}
}

// known is nil for an empty text.
func known(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func either[T any](first, second *T) *T {
	if first != nil {
		return first
	}
	return second
}
