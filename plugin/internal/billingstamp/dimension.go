package billingstamp

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// Dimension is one named value of a stamp. Either Header (in canonical form) or Var is set.
type Dimension struct {
	Name   string
	Header string
	Var    string
}

func readDimensions(raw json.RawMessage) (dims []Dimension, problems []problem) {
	var sources map[string]json.RawMessage
	if what := readValue(raw, &sources, "an object of names and sources"); what != "" {
		return nil, []problem{{"dimensions", what, fallback}}
	}
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		d, what := readDimension(name, sources[name])
		if what != "" {
			problems = append(problems, problem{"dimensions." + shown(name), what, "nothing"})
			continue
		}
		dims = append(dims, d)
	}
	return dims, problems
}

func readDimension(name string, raw json.RawMessage) (d Dimension, what string) {
	const expected = `"header:NAME" or "var:NAME"`
	if !consistsOf(name, 64, isNameByte) {
		return d, "the name is not 1 to 64 of A-Z a-z 0-9 _ - ."
	}
	var source string
	if what := readValue(raw, &source, expected); what != "" {
		return d, what
	}
	d.Name = name
	kind, of, _ := strings.Cut(source, ":")
	switch kind {
	case "header":
		d.Header, what = headerName(of)
	case "var":
		if d.Var = of; !consistsOf(of, 64, isVarByte) {
			what = "the variable is not 1 to 64 of A-Z a-z 0-9 _"
		}
	default:
		what = "not " + expected
	}
	return d, what
}
