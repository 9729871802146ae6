package config

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// isSections tells a list of sections from a list of values.
func (f field) isSections() bool {
	return f.isList() && f.value.Type().Elem().Kind() == reflect.Struct
}

// readSections sets a list of sections. Its items are named list[0], list[1], …; each is read as a section of its own.
func (l *loader) readSections(path string, f field, node *yaml.Node) {
	if node.Kind != yaml.SequenceNode {
		l.fail(at(path, node), f.name, "must be a list of sections")
		return
	}
	list := reflect.MakeSlice(f.value.Type(), len(node.Content), len(node.Content))
	for i, item := range node.Content {
		name := fmt.Sprintf("%s[%d]", f.name, i)
		l.places[name] = at(path, item)
		inner := loader{fields: fieldsOf(list.Index(i).Addr().Interface(), name), places: l.places}
		inner.readSection(path, name, item)
		l.errs = append(l.errs, inner.errs...)
	}
	f.value.Set(list)
}

// readSectionsVariable sets a list of sections from the environment: the same YAML, of which JSON is a part.
func (l *loader) readSectionsVariable(variable string, f field, text string) {
	f.value.SetZero()
	decoder := yaml.NewDecoder(strings.NewReader(text))
	var document, second yaml.Node
	if err := decoder.Decode(&document); err != nil {
		if !errors.Is(err, io.EOF) { // comments only
			l.fail(variable, f.name, "not YAML: "+syntaxProblem(err))
		}
		return
	}
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		l.fail(variable, f.name, "holds more than one YAML document")
		return
	}
	l.readSections(variable, f, document.Content[0])
}

// isIn says whether name is the field or something in it.
func isIn(name, field string) bool {
	rest, ok := strings.CutPrefix(name, field)
	return ok && (rest == "" || rest[0] == '[' || rest[0] == '.')
}

// placeOf is where a field was read; for what is missing in an item of a list, where the item stands.
func (l *loader) placeOf(name string) string {
	for {
		if place, ok := l.places[name]; ok || !strings.Contains(name, "[") {
			return place
		}
		name = name[:strings.LastIndexAny(name, ".[")]
	}
}
