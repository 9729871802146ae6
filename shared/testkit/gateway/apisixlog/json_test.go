package apisixlog

import (
	"encoding/json"
	"testing"
)

func TestEncodeWritesBytesAsTheyAre(t *testing.T) {
	for in, want := range map[string]string{
		"a/b\"c\\d":                            `"a/b\"c\\d"`,
		"\x00\x08\t\n\x0b\f\r\x1f\x7f\x80\xff": "\"\\u0000\\b\\t\\n\\u000b\\f\\r\\u001f\\u007f\x80\xff\"",
		"é<>&\u2028":                           "\"é<>&\u2028\"",
	} {
		if got := string(appendValue(nil, in)); got != want {
			t.Errorf("%q encoded as %q, want %q", in, got, want)
		}
	}
}

func TestEncodeLeavesOutNilAndShufflesMembers(t *testing.T) {
	entry := Object{"a": 1.0, "b": nil, "c": Object{}, "d": []any{"x", true}, "e": 1795348053129.0, "f": "g"}
	orders := map[string]bool{}
	for range 100 {
		encoded := Encode(entry)
		orders[string(encoded)] = true
		var back map[string]any
		if err := json.Unmarshal(encoded, &back); err != nil || len(back) != 5 {
			t.Fatalf("%s: %v, %d members, want 5", encoded, err, len(back))
		}
	}
	if len(orders) < 2 {
		t.Error("100 encodings gave one member order, want it random")
	}
}
