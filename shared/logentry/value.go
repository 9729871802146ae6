package logentry

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"

	"gateway-billing.internal/shared/jsonscan"
)

// object is the members of a JSON object, in their order.
type object []member

type member struct{ name, value json.RawMessage }

func asObject(raw json.RawMessage) (object, bool) {
	if len(raw) == 0 || raw[0] != '{' {
		return nil, false
	}
	return readObject(make(object, 0, 16), raw), true
}

func readObject(o object, raw json.RawMessage) object {
	for name, value := range jsonscan.Members(raw) {
		o = append(o, member{name: name, value: value})
	}
	return o
}

// first is the value under the first of names that is there and not null. Of a repeated name the last counts.
func (o object) first(names ...string) (json.RawMessage, bool) {
	for _, name := range names {
		for _, m := range slices.Backward(o) {
			if !jsonscan.Is(m.name, name) {
				continue
			}
			if string(m.value) != "null" {
				return m.value, true
			}
			break
		}
	}
	return nil, false
}

// object is the object under a name, read into a buffer.
func (o object) object(into *object, name string) (object, bool) {
	raw, _ := o.first(name)
	if len(raw) == 0 || raw[0] != '{' {
		return nil, false
	}
	*into = readObject((*into)[:0], raw)
	return *into, true
}

// buffers are what the objects of an entry are read into; none outlives Decode.
type buffers struct{ top, request, response object }

var pool = sync.Pool{New: func() any {
	return &buffers{make(object, 0, 32), make(object, 0, 16), make(object, 0, 16)}
}}

// release gives the buffers back, without what they hold of the entry.
func (b *buffers) release() {
	for _, o := range []object{b.top, b.request, b.response} {
		clear(o[:cap(o)])
	}
	pool.Put(b)
}

func asText(raw json.RawMessage) (string, bool) { return jsonscan.Text(raw) }

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
	if len(raw) == 0 || raw[0] != '[' {
		return nil, false
	}
	list := []string{}
	for value := range jsonscan.Elements(raw) {
		s, ok := asText(value)
		if !ok && string(value) != "null" { // an empty string then
			return nil, false
		}
		list = append(list, s)
	}
	return list, true
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
