package jsonscan_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"gateway-billing.internal/shared/jsonscan"
)

// Documents that a scanner may take for what they are not.
var documents = []string{
	``, ` `, `{}`, `[]`, `null`, `true`, `fals`, `truex`, `nul`, `"`, `"a`, `"a"`, `"a"b`, `{"a":1}`, ` { "a" : [ 1 , 2 ] } `,
	`{"a":1,}`, `{"a"}`, `{"a":}`, `{,}`, `{a:1}`, `{"a" 1}`, `{"a":1 "b":2}`, `[1,]`, `[,1]`, `[1 2]`, `[1`, `{"a":1`, `]`, `[}`, `{]`, `1 2`,
	`0`, `-0`, `-`, `01`, `1.`, `.5`, `1.5`, `1e`, `1e+`, `1e+5`, `1E-05`, `1.5e400`, `--1`, `+1`, `1x`, `0x1`, `NaN`, `Infinity`,
	`"\n\t\b\f\r\/\\\""`, `"\x"`, `"\u12"`, `"\u12g4"`, `"\u0041"`, `"\u0000"`, `"\ud83d\ude00"`, `"\ud83d"`, `"\ude00"`, `"\ud83d\ud83d\ude00"`, `"\ud83dx"`,
	`"\ud83d\n"`, `"\`, `"\"`, `"\\"`, `"\\\"`, `"a\\"`, "\"\x00\"", "\"\x1f\"", "\"\x7f\"", "\"a\nb\"", "\"\xff\xfe\"", "\"\xe2\x82\"", "\"é\xc3\"", "\"\\n\xff\\n\"",
	"\xff", "\ufeff{}", `{"a":{"b":[{"c":"]}"},"}"]},"d":"\"{"}`, `{"\u0061":1,"a":2}`, `[[[[]]]]`, `[[[[]]]`, `[{},[],"",0,null,true,false]`,
	strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000), strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001),
	strings.Repeat(`{"a":`, 10_001) + "1" + strings.Repeat("}", 10_001),
}

func TestLikeTheStandardLibrary(t *testing.T) {
	for _, doc := range documents {
		check(t, []byte(doc))
	}
}

func FuzzLikeTheStandardLibrary(f *testing.F) {
	for _, doc := range documents {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, doc []byte) { check(t, doc) })
}

// check compares everything that can be seen of a document with what encoding/json sees.
func check(t *testing.T, doc []byte) {
	t.Helper()
	if got, want := jsonscan.Valid(doc), json.Valid(doc); got != want {
		t.Fatalf("%.100q: valid %v, encoding/json says %v", doc, got, want)
	}
	if !jsonscan.Valid(doc) {
		for range jsonscan.Members(doc) { // must not panic, whatever it gives
		}
		for range jsonscan.Elements(doc) {
		}
		jsonscan.Text(doc)
		return
	}
	compare(t, jsonscan.Trim(doc), 0)
}

func compare(t *testing.T, value []byte, depth int) {
	t.Helper()
	text, isText := jsonscan.Text(value)
	switch {
	case depth > 100: // deeper is not other
	case value[0] == '"':
		var want string
		if err := json.Unmarshal(value, &want); err != nil || !isText || text != want {
			t.Fatalf("%.100q: text %q (%v), encoding/json says %q (%v)", value, text, isText, want, err)
		}
	case value[0] == '{':
		members := map[string]json.RawMessage{}
		for name, member := range jsonscan.Members(value) {
			text, ok := jsonscan.Text(name)
			if !ok {
				t.Fatalf("%.100q: a name that is no text: %q", value, name)
			}
			members[text] = member
			compare(t, member, depth+1)
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal(value, &want); err != nil || len(want) != len(members) {
			t.Fatalf("%.100q: %d members, encoding/json says %d (%v)", value, len(members), len(want), err)
		}
		for name, member := range want {
			if !bytes.Equal(members[name], member) {
				t.Fatalf("%.100q: member %q is %q, encoding/json says %q", value, name, members[name], member)
			}
		}
	case value[0] == '[':
		var want []json.RawMessage
		if err := json.Unmarshal(value, &want); err != nil {
			t.Fatal(err)
		}
		n := 0
		for element := range jsonscan.Elements(value) {
			if n >= len(want) || !bytes.Equal(element, want[n]) {
				t.Fatalf("%.100q: element %d is %q", value, n, element)
			}
			n++
			compare(t, element, depth+1)
		}
		if n != len(want) {
			t.Fatalf("%.100q: %d elements, encoding/json says %d", value, n, len(want))
		}
	case isText:
		t.Fatalf("%.100q is no text", value)
	}
}

func TestIs(t *testing.T) {
	for _, tt := range []struct {
		value, s string
		want     bool
	}{
		{`"request"`, "request", true},
		{`"re\u0071uest"`, "request", true},
		{`"Request"`, "request", false},
		{`"requests"`, "request", false},
		{`"reques"`, "request", false},
		{`"a\/b"`, "a/b", true},
		{`request`, "request", false},
		{`""`, "", true},
	} {
		if got := jsonscan.Is([]byte(tt.value), tt.s); got != tt.want {
			t.Errorf("%s is %q: %v", tt.value, tt.s, got)
		}
	}
}
