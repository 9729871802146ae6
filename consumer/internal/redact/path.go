package redact

import (
	"errors"
	"regexp"
	"strconv"

	"gateway-billing.internal/shared/jsonscan"
)

// Path names values of an entry, in the form of JSONPath (RFC 9535):
//
//	$.client_ip                                 a member
//	$.response.body.choices[*].message.content  all elements of an array; [0] is one of them, ['a-b'] a member of any name
//
// A body is logged as text. A path leads on into a text that is a JSON document; any other text on its way, such as an
// event stream or a document that was cut, is masked as a whole, since what the path means can't be found in it.
type Path []step

// step is one way down: a member by name; an element by index; or with neither all elements.
type step struct {
	name  *string
	index *int
}

var (
	stepForm  = regexp.MustCompile(`^(?:\.([A-Za-z_][A-Za-z0-9_]*)|\[(\*|[0-9]{1,6})\]|\['([^'"\\]+)'\]|\["([^'"\\]+)"\])`)
	errNoPath = errors.New("must be a path such as $.request.body or $.response.body.choices[*].message.content")
)

// maxSteps is far more than any entry is deep.
const maxSteps = 32

// ParsePath reads the text of a path.
func ParsePath(text string) (Path, error) {
	if len(text) < 2 || text[0] != '$' {
		return nil, errNoPath
	}
	var path Path
	for rest := text[1:]; rest != ""; {
		m := stepForm.FindStringSubmatch(rest)
		if m == nil || len(path) == maxSteps {
			return nil, errNoPath
		}
		rest = rest[len(m[0]):]
		switch index, err := strconv.Atoi(m[2]); {
		case m[2] == "*":
			path = append(path, step{})
		case m[2] != "" && err == nil:
			path = append(path, step{index: &index})
		default:
			path = append(path, step{name: new(m[1] + m[3] + m[4])})
		}
	}
	return path, nil
}

// WithPaths is a Redactor that masks the values at these paths as well.
func (r *Redactor) WithPaths(paths []Path) *Redactor {
	more := *r
	more.paths = paths
	return &more
}

// appendMasked appends a JSON value in which what the paths lead to is masked.
func appendMasked(out, value []byte, paths []Path) []byte {
	if len(paths) == 0 {
		return append(out, value...)
	}
	separator := byte(0)
	between := func() {
		if separator != 0 {
			out = append(out, separator)
		}
		separator = ','
	}
	// down appends the value behind one step, which may be the end of a path.
	down := func(inner []byte, matches func(step) bool) {
		var rest []Path
		for _, p := range paths {
			if !matches(p[0]) {
				continue
			}
			if len(p) == 1 {
				out = append(out, masked...)
				return
			}
			rest = append(rest, p[1:])
		}
		out = appendMasked(out, inner, rest)
	}
	switch value[0] {
	case '{':
		out = append(out, '{')
		for quoted, inner := range jsonscan.Members(value) {
			between()
			out = append(append(out, quoted...), ':')
			name, _ := jsonscan.Text(quoted)
			down(inner, func(s step) bool { return s.name != nil && *s.name == name })
		}
		return append(out, '}')
	case '[':
		out = append(out, '[')
		i := 0
		for inner := range jsonscan.Elements(value) {
			between()
			down(inner, func(s step) bool { return s.name == nil && (s.index == nil || *s.index == i) })
			i++
		}
		return append(out, ']')
	case '"':
		text, _ := jsonscan.Text(value)
		document := []byte(text)
		if !jsonscan.Valid(document) {
			return append(out, masked...)
		}
		return appendText(out, string(appendMasked(nil, jsonscan.Trim(document), paths)))
	}
	return append(out, value...)
}
