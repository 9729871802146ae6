package usage

import (
	"encoding/json"
	"slices"
	"strings"
)

// document is the top level of one JSON object, read as far as it goes.
type document struct {
	// members holds the wanted members by their exact names; of a repeated name the last counts.
	members map[string]json.RawMessage
	// whole: the object closes and nothing but white space follows.
	whole bool
	// object: the text begins as a JSON object.
	object bool
}

// scan reads the wanted top-level members of a JSON object. A text that stops in the middle still gives those that were
// complete before the cut. Names inside values (generated text that imitates a usage object) are never looked at.
func scan(text string, want ...string) document {
	doc := document{members: map[string]json.RawMessage{}}
	dec := json.NewDecoder(strings.NewReader(text))
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return doc
	}
	doc.object = true
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return doc
		}
		var value json.RawMessage
		if dec.Decode(&value) != nil {
			return doc
		}
		if key, ok := name.(string); ok && slices.Contains(want, key) {
			doc.members[key] = value
		}
	}
	if _, err := dec.Token(); err != nil {
		return doc
	}
	doc.whole = strings.TrimSpace(text[dec.InputOffset():]) == ""
	return doc
}

// text is a member that is a non-empty string, else nil.
func (d document) text(name string) *string {
	var s string
	if raw := d.members[name]; len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &s) != nil || s == "" {
		return nil
	}
	return &s
}

// object is the member's raw value where it is a JSON object, else nil (absent, null, another type).
func (d document) objectAt(name string) json.RawMessage {
	if raw := d.members[name]; len(raw) > 0 && raw[0] == '{' {
		return raw
	}
	return nil
}
