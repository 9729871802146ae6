package logentry

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// object is a JSON object by its exact member names (the last of a repeated name counts).
type object map[string]json.RawMessage

func asObject(raw json.RawMessage) (object, bool) {
	if len(raw) == 0 || raw[0] != '{' {
		return nil, false
	}
	var o object
	if json.Unmarshal(raw, &o) != nil {
		return nil, false
	}
	return o, true
}

// first is the value under the first of names that is there and not null.
func (o object) first(names ...string) (json.RawMessage, bool) {
	for _, name := range names {
		if raw, ok := o[name]; ok && string(raw) != "null" {
			return raw, true
		}
	}
	return nil, false
}

func asText(raw json.RawMessage) (string, bool) {
	if len(raw) == 0 || raw[0] != '"' {
		return "", false
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return "", false
	}
	return s, true
}

// number is the text of a JSON number, or of a string that holds one.
func number(raw json.RawMessage) (string, bool) {
	if s, ok := asText(raw); ok {
		return strings.TrimSpace(s), true
	}
	if len(raw) > 0 && (raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9') {
		return string(raw), true
	}
	return "", false
}

// asFloat reads a finite number.
func asFloat(raw json.RawMessage) (float64, bool) {
	text, ok := number(raw)
	if !ok {
		return 0, false
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return 0, false
	}
	return f, true
}

// asInt reads a whole number that a float64 holds exactly, however it is written (5, 5.0, 5e0).
func asInt(raw json.RawMessage) (int64, bool) {
	text, ok := number(raw)
	if !ok {
		return 0, false
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int64(f), true
}

// asID reads a string, or a whole number as its text.
func asID(raw json.RawMessage) (string, bool) {
	if s, ok := asText(raw); ok {
		return s, true
	}
	if n, ok := asInt(raw); ok {
		return strconv.FormatInt(n, 10), true
	}
	return "", false
}

// asTexts reads a string or an array of strings, as APISIX writes a header that came once or several times.
func asTexts(raw json.RawMessage) ([]string, bool) {
	if s, ok := asText(raw); ok {
		return []string{s}, true
	}
	var list []string
	if len(raw) == 0 || raw[0] != '[' || json.Unmarshal(raw, &list) != nil {
		return nil, false
	}
	return list, true
}

// asHeaders reads a headers object; a value that is neither string nor array of strings is left out.
func asHeaders(raw json.RawMessage) (map[string][]string, bool) {
	o, ok := asObject(raw)
	if !ok {
		return nil, false
	}
	headers := make(map[string][]string, len(o))
	// In one order, whatever the names: "a" and "A" are one header, and its values keep their order.
	for _, name := range slices.Sorted(maps.Keys(o)) {
		value := o[name]
		if values, ok := asTexts(value); ok {
			name = strings.ToLower(name)
			headers[name] = append(headers[name], values...)
		}
	}
	return headers, true
}

// splitStamps takes apart header values that nginx joined with ", " ($http_… of a repeated header).
func splitStamps(values []string) []string {
	var stamps []string
	for _, value := range values {
		for stamp := range strings.SplitSeq(value, ",") {
			if stamp = strings.TrimSpace(stamp); stamp != "" {
				stamps = append(stamps, stamp)
			}
		}
	}
	return stamps
}

// reader reads members one by one and remembers which were of a wrong type.
type reader struct {
	o      object
	doubts []string
	err    error
}

// fail keeps the first FieldError.
func (r *reader) fail(field, problem string) {
	if r.err == nil {
		r.err = &FieldError{Field: field, Problem: problem}
	}
}

func (r *reader) doubt(field string) {
	if !slices.Contains(r.doubts, field) {
		r.doubts = append(r.doubts, field)
	}
}

// get reads an optional member by its type; a value that does not fit is left out and doubted.
func get[T any](r *reader, as func(json.RawMessage) (T, bool), prefix string, names ...string) *T {
	raw, ok := r.o.first(names...)
	if !ok {
		return nil
	}
	v, ok := as(raw)
	if !ok {
		r.doubt(prefix + names[0])
		return nil
	}
	return &v
}

// must reads an optional member that only the gateway writes; a value that does not fit is a FieldError.
func must[T any](r *reader, as func(json.RawMessage) (T, bool), problem, prefix string, names ...string) *T {
	raw, ok := r.o.first(names...)
	if !ok {
		return nil
	}
	v, ok := as(raw)
	if !ok {
		r.fail(prefix+names[0], problem)
		return nil
	}
	return &v
}
