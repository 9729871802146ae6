package apitoken

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// entry is a token as the file has it.
type entry struct {
	Name   string  `yaml:"name"`
	SHA256 string  `yaml:"sha256"`
	Scopes []Scope `yaml:"scopes,flow"`
	// Consumers are read by consumers: a list whose lines were all taken out is null to YAML, as if it had been left out,
	// and would show all.
	Consumers yaml.Node `yaml:"consumers,omitempty,flow"`
}

// consumers are the names of the list, nil only where it is left out.
func (e *entry) consumers() ([]string, error) {
	list := &e.Consumers
	if list.IsZero() {
		return nil, nil
	}
	if list.Kind == yaml.AliasNode {
		list = list.Alias
	}
	if list.Kind != yaml.SequenceNode {
		return nil, errors.New("consumers: must be a list, [] for nobody; left out, the token shows all")
	}
	names := []string{}
	for i, item := range list.Content {
		if item.Kind != yaml.ScalarNode || item.ShortTag() == "!!null" {
			return nil, fmt.Errorf(`consumers: [%d] must be a name, "" for anonymous requests`, i)
		}
		names = append(names, item.Value)
	}
	return names, nil
}

// maxFile bounds the file: some ten thousand tokens.
const maxFile = 4 << 20

// ReadFile reads the file of tokens, a YAML list:
//
//   - name: billing
//     sha256: 9f86d081…          # of the token, in hexadecimal
//     scopes: [usage:read, records:read]
//     consumers: [alice]         # left out: all
//
// The error names the place in the file and what is wrong there, and repeats no value but names of tokens.
func ReadFile(path string) (*Set, error) {
	f, err := os.Open(filepath.Clean(path))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("%s: is larger than %d MiB", path, maxFile>>20)
	}
	set, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return set, nil
}

func parse(text []byte) (*Set, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	var entries []entry
	if err := decoder.Decode(&entries); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("must be a list of tokens with name, sha256, scopes and consumers: %s", lines(err))
	}
	// A second document would be tokens that nobody reads.
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("must be one YAML document")
	}
	set := &Set{grants: make(map[Hash]*Grant, len(entries))}
	names := map[string]bool{}
	for i, e := range entries {
		grant, hash, err := e.grant()
		switch {
		case err != nil:
		case names[e.Name]:
			err = fmt.Errorf("name: %s is there already", e.Name)
		case set.grants[hash] != nil:
			err = fmt.Errorf("sha256: is the one of %s too", set.grants[hash].Name)
		}
		if err != nil {
			return nil, fmt.Errorf("[%d] %w", i, err)
		}
		names[e.Name] = true
		set.grants[hash] = grant
	}
	return set, nil
}

var (
	name = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._@-]{0,63}$`)
	line = regexp.MustCompile(`line \d+`)
)

// lines says where a YAML error is, without the values that its text may quote.
func lines(err error) string {
	if at := line.FindAllString(err.Error(), -1); at != nil {
		return strings.Join(slices.Compact(at), ", ")
	}
	return "it is no YAML"
}

// FieldError is one thing that is wrong with a token: its Field is name, scopes or consumers.
type FieldError struct{ Field, Problem string }

func (e *FieldError) Error() string { return e.Field + ": " + e.Problem }

func wrong(field, format string, args ...any) error {
	return &FieldError{field, fmt.Sprintf(format, args...)}
}

// CheckName says what is wrong with the name of a token, a *FieldError. A token itself is none: names are logged.
func CheckName(text string) error {
	if strings.HasPrefix(text, prefix) {
		return wrong("name", "must not begin as tokens do, with %s", prefix)
	}
	if !name.MatchString(text) {
		return wrong("name", "must be 1 to 64 letters, digits and . _ @ -")
	}
	return nil
}

// CheckScopes says what is wrong with scopes, for a token of some APISIX consumers or of all: a *FieldError.
func CheckScopes(scopes []Scope, restricted bool) error {
	if len(scopes) == 0 {
		return wrong("scopes", "at least one is needed")
	}
	for i, s := range scopes {
		if !slices.Contains(Scopes(), s) {
			return wrong("scopes", "[%d] must be one of %s", i, ScopeList())
		}
		if restricted && s.ofAll() {
			return wrong("consumers", "can't be given beside the scope %s, which shows what is no APISIX consumer's alone", s)
		}
	}
	return nil
}

// ScopeList is all scopes, as they are told to people.
func ScopeList() string {
	var all []string
	for _, s := range Scopes() {
		all = append(all, string(s))
	}
	return strings.Join(all, ", ")
}

func (e *entry) grant() (*Grant, Hash, error) {
	var hash Hash
	if err := CheckName(e.Name); err != nil {
		return nil, hash, err
	}
	if n, err := hex.Decode(hash[:], []byte(e.SHA256[:min(len(e.SHA256), 2*len(hash))])); err != nil || n != len(hash) || len(e.SHA256) != 2*len(hash) {
		return nil, hash, errors.New("sha256: must be 64 hexadecimal digits")
	}
	consumers, err := e.consumers()
	if err != nil {
		return nil, hash, err
	}
	if err := CheckScopes(e.Scopes, consumers != nil); err != nil {
		return nil, hash, err
	}
	return &Grant{Name: e.Name, Scopes: e.Scopes, Consumers: consumers}, hash, nil
}

// Entry is the lines of the file for a token.
func Entry(g *Grant, hash Hash) (string, error) {
	e := entry{Name: g.Name, SHA256: hash.String(), Scopes: g.Scopes}
	if g.Consumers != nil {
		if err := e.Consumers.Encode(g.Consumers); err != nil {
			return "", err
		}
		e.Consumers.Style = yaml.FlowStyle
	}
	text, err := yaml.Marshal([]entry{e})
	return string(text), err
}
