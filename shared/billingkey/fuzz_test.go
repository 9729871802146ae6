package billingkey

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

func FuzzOpen(f *testing.F) {
	keys := mustParseKeys(f, "k1:"+testSecret(1)+",old:"+testSecret(2)+"@2020-01-01T00:00:00Z")
	plain := mustSealer(f, mustParseKeys(f, ""))
	// A fixed salt: the fuzzer's processes must agree on what is genuine.
	sealed, err := NewSealer(keys, testEpoch, strings.NewReader("0123456789abcdef"))
	if err != nil {
		f.Fatal(err)
	}
	// Only these open as verified: a fuzzer that finds another has forged a stamp.
	genuine := make(map[string]bool)
	for _, st := range []Stamp{smallStamp(), fullStamp()} {
		text := mustSeal(f, sealed, st)
		genuine[text] = true
		f.Add(text)
		f.Add(mustSeal(f, plain, st))
	}
	f.Add("v1.k1." + strings.Repeat("A", 200))
	f.Add("v0." + strings.Repeat("_", 100))
	f.Fuzz(func(t *testing.T, text string) {
		st, state := keys.Open(text)
		switch state {
		case Verified:
			if !genuine[text] {
				t.Fatalf("a stamp that nobody sealed opened: %q", text)
			}
		case Unsealed:
			again, ok := readPayload(appendPayload(nil, &st))
			if !ok || !reflect.DeepEqual(again, st) {
				t.Fatalf("read as %+v, which reads again as %+v", st, again)
			}
		case Malformed, UnknownKey, Forged, Retired:
			if !reflect.DeepEqual(st, Stamp{}) {
				t.Fatalf("%s with a stamp: %+v", state, st)
			}
		default:
			t.Fatalf("state %q", state)
		}
	})
}

func FuzzPayload(f *testing.F) {
	for _, st := range []Stamp{smallStamp(), fullStamp()} {
		st.Sequence = 1
		f.Add(appendPayload(nil, &st))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		st, ok := readPayload(payload)
		if !ok {
			return
		}
		// What was read is written again as the same bytes, up to the fields of a later version.
		if again := appendPayload(nil, &st); !bytes.HasPrefix(payload, again) {
			t.Fatalf("%x reads as %+v, which is written as %x", payload, st, again)
		}
	})
}

func FuzzParseKeys(f *testing.F) {
	f.Add("k1:" + testSecret(1) + ",k2:" + testSecret(2) + "@2026-01-02T03:04:05Z # old\n")
	f.Add("k1:" + testSecret(1)[:20] + "\n:,@#")
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := ParseKeys(text)
		if (keys == nil) == (err == nil) {
			t.Fatalf("ParseKeys = %v, %v", keys, err)
		}
		if err != nil {
			return
		}
		for _, k := range keys.keys {
			if !isKeyID(k.id) || len(k.secret) < minSecret || keys.byID[k.id] != k {
				t.Fatalf("key %q of %d bytes", k.id, len(k.secret))
			}
		}
	})
}
