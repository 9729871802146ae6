package usage

import (
	"iter"
	"strings"
)

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
		var data strings.Builder
		var has bool
		for body != "" {
			var line string
			line, body = nextLine(body)
			if line == "" {
				if has && !yield(data.String()) {
					return
				}
				data.Reset()
				has = false
				continue
			}
			name, value, _ := strings.Cut(line, ":")
			if name != "data" {
				continue
			}
			if has {
				data.WriteByte('\n')
			}
			data.WriteString(strings.TrimPrefix(value, " "))
			has = true
		}
		if has {
			yield(data.String())
		}
	}
}

func nextLine(body string) (line, rest string) {
	end := strings.IndexAny(body, "\r\n")
	if end < 0 {
		return body, ""
	}
	line, rest = body[:end], body[end+1:]
	if body[end] == '\r' {
		rest = strings.TrimPrefix(rest, "\n")
	}
	return line, rest
}
