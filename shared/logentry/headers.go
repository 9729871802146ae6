package logentry

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"gateway-billing.internal/shared/jsonscan"
)

// Headers are the headers of a request or of its answer. They are read when they are asked for, since most are not. Names
// are lower case. Not for concurrent use.
type Headers struct {
	raw json.RawMessage
	all map[string][]string
}

// HeadersOf are headers with these names, in lower case, and values.
func HeadersOf(all map[string][]string) Headers { return Headers{all: all} }

// Get is the values of the header of that name, which is in lower case, in their order; nil without one.
func (h *Headers) Get(name string) []string {
	if h.all != nil || h.raw == nil {
		return h.all[name]
	}
	var found json.RawMessage
	for quoted, value := range jsonscan.Members(h.raw) {
		inner := quoted[1 : len(quoted)-1]
		if folds(inner) {
			return h.All()[name]
		}
		if string(inner) == name {
			found = value // of a repeated name the last counts
		}
	}
	values, _ := asTexts(found)
	return values
}

// All are all headers; nil without any. The map must not be changed.
func (h *Headers) All() map[string][]string {
	if h.all == nil && h.raw != nil {
		h.all = readHeaders(h.raw)
	}
	return h.all
}

// folds says whether a name may be written in several ways.
func folds(name []byte) bool {
	for _, c := range name {
		if c >= 0x80 || c == '\\' || 'A' <= c && c <= 'Z' {
			return true
		}
	}
	return false
}

// readHeaders reads a headers object; a value that is neither string nor array of strings is left out.
func readHeaders(raw json.RawMessage) map[string][]string {
	o, _ := asObject(raw)
	headers := make(map[string][]string, len(o))
	for _, m := range o {
		name, _ := asText(m.name)
		if lower := strings.ToLower(name); lower != name || headers[name] != nil {
			return foldHeaders(o)
		}
		if values, ok := asTexts(m.value); ok {
			headers[name] = values
		}
	}
	return headers
}

// foldHeaders reads headers of which some are written in several ways: "a" and "A" are one header, and its values keep
// one order, whatever that of the members. APISIX writes none such.
func foldHeaders(o object) map[string][]string {
	byName := make(map[string]json.RawMessage, len(o))
	for _, m := range o {
		name, _ := asText(m.name)
		byName[name] = m.value
	}
	headers := make(map[string][]string, len(o))
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		if values, ok := asTexts(byName[name]); ok {
			name = strings.ToLower(name)
			headers[name] = append(headers[name], values...)
		}
	}
	return headers
}
