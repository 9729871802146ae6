package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"
)

// readFile sets the fields that the YAML file at path gives. It walks the document itself instead of decoding it into
// the structs, so that every problem has its line, none hides another, and no message quotes a value.
// It reports whether there was a document to read; if not, everything else would seem to be missing too.
func (l *loader) readFile(path string) bool {
	content, err := os.ReadFile(path)
	if err != nil {
		// The path stands in front already.
		if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
			err = pathErr.Err
		}
		l.fail(path, "", err.Error())
		return false
	}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	var document, second yaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF): // empty, or comments only
		return true
	case err != nil:
		l.fail(path, "", "not YAML: "+syntaxProblem(err))
		return false
	}
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		l.fail(path, "", "holds more than one YAML document")
	}
	root := document.Content[0]
	if root.Tag == "!!null" {
		return true
	}
	if root.Kind != yaml.MappingNode {
		l.fail(at(path, root), "", "must hold sections such as rocketmq and mysql")
		return false
	}
	l.readSection(path, "", root)
	return true
}

// syntaxProblem is what the parser says, but for the one message that quotes a value.
func syntaxProblem(err error) string {
	if strings.Contains(err.Error(), "unknown anchor") {
		return "a value that begins with * must be in quotes"
	}
	return strings.TrimPrefix(err.Error(), "yaml: ")
}

// readSection reads a mapping: the whole file (name is empty) or one part.
func (l *loader) readSection(path, name string, node *yaml.Node) {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if node.Tag == "!!null" { // a section whose values are all commented out
		return
	}
	if node.Kind != yaml.MappingNode {
		l.fail(at(path, node), name, "must be a section with values of its own")
		return
	}
	seen := map[string]bool{}
	for i := 0; i < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		member := key.Value
		if name != "" {
			member = name + "." + member
		}
		switch f, isField := l.find(member); {
		case seen[member]:
			l.fail(at(path, key), member, "is given twice")
		case isField:
			l.readValue(path, f, value)
		case l.isSection(member):
			l.readSection(path, member, value)
		default:
			l.fail(at(path, key), member, "no such setting")
		}
		seen[member] = true
	}
}

// isSection reports whether there are fields under that name.
func (l *loader) isSection(name string) bool {
	for _, f := range l.fields {
		if strings.HasPrefix(f.name, name+".") {
			return true
		}
	}
	return false
}

// readValue sets one field.
func (l *loader) readValue(path string, f field, node *yaml.Node) {
	place := at(path, node)
	l.places[f.name] = place
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	switch {
	case node.Tag == "!!null":
		l.fail(place, f.name, "has no value: give one or leave the line out")
	case f.isSections():
		l.readSections(path, f, node)
	case f.isList():
		l.readList(place, f, node)
	case node.Kind != yaml.ScalarNode:
		l.fail(place, f.name, "must be one value")
	case f.isText() && node.Tag != "!!str":
		l.fail(place, f.name, "must be text: put the value in quotes")
	default:
		if err := f.setText(node.Value); err != nil {
			l.fail(place, f.name, err.Error())
		}
	}
}

// readList sets a field that takes several values.
func (l *loader) readList(place string, f field, node *yaml.Node) {
	if node.Kind != yaml.SequenceNode {
		l.fail(place, f.name, "must be a list")
		return
	}
	values := make([]string, 0, len(node.Content))
	for _, item := range node.Content {
		if item.Kind != yaml.ScalarNode || item.Tag != "!!str" && !(f.takesNumbers() && item.Tag == "!!int") {
			l.fail(place, f.name, "must be a list of texts")
			return
		}
		values = append(values, item.Value)
	}
	f.setList(values)
}

// at is the place of a node.
func at(path string, node *yaml.Node) string { return fmt.Sprintf("%s:%d", path, node.Line) }
