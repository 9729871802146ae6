package usage

import (
	"iter"
	"strings"
)

// eventStream is the content type of AWS's binary frames. They are no text: nothing is read from them.
const eventStream = "application/vnd.amazon.eventstream"

// readAnswer reads an answer, whatever its framing. several says that more than one choice was asked for.
func readAnswer(body, contentType string, several bool) answer {
	a := answer{several: several}
	if strings.HasPrefix(contentType, eventStream) {
		return a
	}
	if strings.HasPrefix(contentType, "text/event-stream") || looksLikeEvents(body) {
		any := false
		for data := range events(body) {
			any = true
			if strings.TrimSpace(data) == "[DONE]" {
				a.ended = true
				continue
			}
			if _, whole := a.frame(data, true); !whole {
				a.cut = true
			}
		}
		if any {
			a.streaming = true
			return a
		}
	}
	readDocuments(&a, body)
	return a
}

// readDocuments reads an answer that is one JSON object, several one behind the other (NDJSON), or an array of them.
func readDocuments(a *answer, body string) {
	start := space(body, 0)
	if start < len(body) && body[start] == '[' {
		_, closed := elements(body[start:], func(element string, _ bool) {
			if isObject(element) {
				a.frame(element, true)
				a.streaming = a.streaming || a.found
			}
		})
		// Whoever answers with an array ends it with its bracket, and not before.
		a.ended, a.cut = closed, !closed
		return
	}
	for i, documents := start, 0; i < len(body) && body[i] == '{'; documents++ {
		rest := body[i:]
		end, whole := a.frame(rest, documents > 0)
		a.cut = !whole
		if !whole {
			return
		}
		if i = space(body, i+end); i < len(body) {
			// The first of several: what ended as a whole document was one frame of a stream. Or what follows is no document.
			a.streaming = a.streaming || body[i] == '{'
			a.ended = a.terminal && body[i] == '{'
		}
	}
}

// looksLikeEvents says whether a body begins as server-sent events do, for answers whose content type does not tell.
func looksLikeEvents(body string) bool {
	body = strings.TrimLeft(body, "\r\n")
	for _, field := range []string{"data:", "event:", "id:", ":"} {
		if strings.HasPrefix(body, field) {
			return true
		}
	}
	return false
}

// events yields the data of each server-sent event (WHATWG HTML, section 9.2.6): lines end in \n, \r\n or \r, one space
// after the colon is dropped, several data lines are joined by \n, a blank line ends an event. What stands behind the
// last blank line is yielded too, since a logged stream may lack its last one or be cut: the caller sees whether it is
// whole.
func events(body string) iter.Seq[string] {
	return func(yield func(string) bool) {
		next := lineEnd
		if strings.IndexByte(body, '\r') < 0 {
			next = plainLineEnd
		}
		data, has := "", false
		var joined []string // where an event has several data lines
		whole := func() string {
			if joined == nil {
				return data
			}
			return strings.Join(append(joined, data), "\n")
		}
		for body != "" {
			end, skip := next(body)
			line := body[:end]
			body = body[end+skip:]
			if line == "" {
				if has && !yield(whole()) {
					return
				}
				data, has, joined = "", false, nil
				continue
			}
			value, isData := strings.CutPrefix(line, "data:")
			if !isData {
				continue
			}
			if has {
				joined = append(joined, data)
			}
			data, has = strings.TrimPrefix(value, " "), true
		}
		if has {
			yield(whole())
		}
	}
}

// lineEnd is where the first line of body ends, and how many bytes end it.
func lineEnd(body string) (end, length int) {
	end = strings.IndexAny(body, "\r\n")
	switch {
	case end < 0:
		return len(body), 0
	case strings.HasPrefix(body[end:], "\r\n"):
		return end, 2
	default:
		return end, 1
	}
}

// plainLineEnd is lineEnd, faster, for a body without \r.
func plainLineEnd(body string) (end, length int) {
	if end = strings.IndexByte(body, '\n'); end < 0 {
		return len(body), 0
	}
	return end, 1
}
