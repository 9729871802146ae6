package meter

import (
	"encoding/json"
	"errors"
	"regexp"
	"strconv"
	"strings"
)

// Path leads to one value of a JSON document. Its text is the part of JSONPath (RFC 9535) that names a single value:
//
//	$.result.pages         members of objects, whose names are letters, digits and _
//	$.items[0]['page-no']  elements of arrays, counted from 0; members of any name without quotes and backslashes
//
// Of a member that is repeated the last counts.
type Path []step

// step is one way down: a member by name, or where name is nil the element of that index.
type step struct {
	name  *string
	index int
}

// maxSteps is far more than any answer is deep.
const maxSteps = 32

var (
	stepForm  = regexp.MustCompile(`^(?:\.([A-Za-z_][A-Za-z0-9_]*)|\[([0-9]{1,6})\]|\['([^'"\\]+)'\]|\["([^'"\\]+)"\])`)
	errNoPath = errors.New("must be a path such as $.result.pages or $.items[0]['page-no']")
)

// ParsePath reads the text of a path.
func ParsePath(text string) (Path, error) {
	rest, ok := strings.CutPrefix(text, "$")
	if !ok || rest == "" {
		return nil, errNoPath
	}
	var path Path
	for rest != "" {
		m := stepForm.FindStringSubmatch(rest)
		if m == nil || len(path) == maxSteps {
			return nil, errNoPath
		}
		rest = rest[len(m[0]):]
		if m[2] != "" {
			index, err := strconv.Atoi(m[2])
			if err != nil {
				return nil, errNoPath
			}
			path = append(path, step{index: index})
			continue
		}
		path = append(path, step{name: new(m[1] + m[3] + m[4])})
	}
	return path, nil
}

// find gives the value at the path, false where the text is not whole JSON or has no such place.
func (p Path) find(text string) (json.RawMessage, bool) {
	if !json.Valid([]byte(text)) {
		return nil, false
	}
	value := text
	for _, s := range p {
		next, ok := s.in(value)
		if !ok {
			return nil, false
		}
		value = string(next)
	}
	return json.RawMessage(value), true
}

// in gives the value one step down. Only one member or element is held at a time.
func (s step) in(value string) (found json.RawMessage, ok bool) {
	dec := json.NewDecoder(strings.NewReader(value))
	open, err := dec.Token()
	if err != nil || s.name != nil && open != json.Delim('{') || s.name == nil && open != json.Delim('[') {
		return nil, false
	}
	var raw json.RawMessage
	for i := 0; dec.More(); i++ {
		here := i == s.index
		if s.name != nil {
			name, err := dec.Token()
			if err != nil {
				return nil, false
			}
			here = name == json.Token(*s.name)
		}
		if dec.Decode(&raw) != nil {
			return nil, false
		}
		if here {
			found, ok = append(found[:0], raw...), true
		}
	}
	return found, ok
}
