package meter

import (
	"errors"
	"regexp"
	"strconv"
	"strings"

	"gateway-billing.internal/shared/jsonscan"
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

// find gives the value at the path, without space around it; false where the text is not whole JSON or has no such place.
func (p Path) find(text string) ([]byte, bool) {
	doc := []byte(text)
	if !jsonscan.Valid(doc) {
		return nil, false
	}
	value := jsonscan.Trim(doc)
	for _, s := range p {
		next, ok := s.in(value)
		if !ok {
			return nil, false
		}
		value = next
	}
	return value, true
}

// in gives the value one step down.
func (s step) in(value []byte) (found []byte, ok bool) {
	if s.name == nil {
		i := 0
		for element := range jsonscan.Elements(value) {
			if i == s.index {
				return element, true
			}
			i++
		}
		return nil, false
	}
	for name, member := range jsonscan.Members(value) {
		if text, _ := jsonscan.Text(name); text == *s.name {
			found, ok = member, true
		}
	}
	return found, ok
}
