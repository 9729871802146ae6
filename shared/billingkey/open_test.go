package billingkey

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestOpenSaysWhyNot(t *testing.T) {
	sealing := mustParseKeys(t, "k1:"+testSecret(1))
	sealed := mustSeal(t, mustSealer(t, sealing), smallStamp())
	plain := mustSeal(t, mustSealer(t, mustParseKeys(t, "")), smallStamp())
	body := strings.TrimPrefix(sealed, "v1.k1.")
	both := "k1:" + testSecret(1) + ",k2:" + testSecret(2)
	for _, tt := range []struct {
		name, keys, text string
		want             State
	}{
		{"sealed", both, sealed, Verified},
		{"unsealed", both, plain, Unsealed},
		{"unsealed, no keys", "", plain, Unsealed},
		{"unknown key", "k2:" + testSecret(2), sealed, UnknownKey},
		{"no keys", "", sealed, UnknownKey},
		{"key of another secret", "k1:" + testSecret(2), sealed, Forged},
		{"moved to another key ID", both, "v1.k2." + body, Forged},
		{"same secret, other key ID", "k2:" + testSecret(1), "v1.k2." + body, Forged},
		{"retired after the stamp", "k1:" + testSecret(1) + "@2026-03-04T05:06:07.890Z", sealed, Verified},
		{"retired before the stamp", "k1:" + testSecret(1) + "@2026-03-04T05:06:07.889Z", sealed, Retired},
		{"empty", both, "", Malformed},
		{"of a later format", both, "v2" + sealed[2:], Malformed},
		{"no key ID", both, "v1." + body, Malformed},
		{"empty key ID", both, "v1.." + body, Malformed},
		{"odd key ID", both, "v1.k+1." + body, Malformed},
		{"unknown key, no base64", both, "v1.k9.????", Malformed},
		{"no payload", both, "v0.", Malformed},
		{"too short", both, sealed[:80], Malformed},
		{"padded", both, sealed + "=", Malformed},
		{"new line", both, sealed + "\n", Malformed},
		{"new line inside", both, sealed[:40] + "\r\n" + sealed[40:], Malformed},
		{"blank before", both, " " + sealed, Malformed},
		{"too long", both, "v0." + strings.Repeat("A", maxText), Malformed},
		{"long unsealed", both, "v0." + strings.Repeat("A", maxText-3), Malformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			st, state := mustParseKeys(t, tt.keys).Open(tt.text)
			if state != tt.want {
				t.Errorf("Open = %s, want %s", state, tt.want)
			}
			if believed := state == Verified || state == Unsealed; !believed && !reflect.DeepEqual(st, Stamp{}) {
				t.Errorf("%s came with a stamp: %+v", state, st)
			}
		})
	}
}

// Whatever byte of a sealed stamp changes, it does not open, and there is no second text of it.
func TestOpenSeesEachChangedCharacter(t *testing.T) {
	keys := mustParseKeys(t, "k1:"+testSecret(1))
	for _, st := range []Stamp{smallStamp(), fullStamp()} {
		text := mustSeal(t, mustSealer(t, keys), st)
		for i := range len(text) {
			for _, c := range []byte("AZaz09-_.\n=\x00\xff") {
				if c == text[i] {
					continue
				}
				changed := text[:i] + string([]byte{c}) + text[i+1:]
				if _, state := keys.Open(changed); state == Verified || state == Unsealed {
					t.Fatalf("character %d changed from %q to %q: %s", i, text[i], c, state)
				}
			}
			if _, state := keys.Open(text[:i]); state == Verified {
				t.Fatalf("cut to %d characters: %s", i, state)
			}
		}
	}
}

// The last character of a text may hold bits that mean nothing; they must be zero.
func TestAStampHasOneText(t *testing.T) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for _, set := range []string{"", "k1:" + testSecret(1)} {
		keys := mustParseKeys(t, set)
		for _, consumer := range []string{"a", "ab", "abc"} {
			st := smallStamp()
			st.Consumer = consumer
			text := mustSeal(t, mustSealer(t, keys), st)
			for _, c := range alphabet {
				other := text[:len(text)-1] + string(c)
				if got, state := keys.Open(other); other != text && got.Consumer == consumer {
					t.Errorf("%q opens as %q does: %s", other, text, state)
				}
			}
		}
	}
}

func TestDerivedKeysAreBoundedAndKeptOnlyAfterAnOpenedStamp(t *testing.T) {
	keys := mustParseKeys(t, "k1:"+testSecret(1))
	forged := mustSeal(t, mustSealer(t, mustParseKeys(t, "k1:"+testSecret(2))), smallStamp())
	if _, state := keys.Open(forged); state != Forged || len(keys.ciphers.byID) != 0 {
		t.Fatalf("%s left %d derived keys, want none", state, len(keys.ciphers.byID))
	}
	var first string
	for i := range cachedCiphers + 10 {
		text := mustSeal(t, mustSealer(t, keys), smallStamp())
		if i == 0 {
			first = text
		}
		if _, state := keys.Open(text); state != Verified {
			t.Fatal(state)
		}
	}
	if n := len(keys.ciphers.byID); n != cachedCiphers {
		t.Errorf("%d derived keys, want %d", n, cachedCiphers)
	}
	if _, state := keys.Open(first); state != Verified {
		t.Errorf("a stamp whose derived key was pushed out: %s", state)
	}
}

func TestReadPayloadIsStrict(t *testing.T) {
	st := fullStamp()
	st.Epoch, st.Sequence = testEpoch, 3
	good := string(appendPayload(nil, &st))
	if got, ok := readPayload([]byte(good)); !ok || !reflect.DeepEqual(got, st) {
		t.Fatalf("payload %x: %+v", good, got)
	}
	later := good + "\x07\x00\x02hi" + "\xff\x00\x00"
	if got, ok := readPayload([]byte(later)); !ok || !reflect.DeepEqual(got, st) {
		t.Errorf("with fields of a later version: ok %v, %+v", ok, got)
	}

	head := good[:fixedLen]
	for name, bad := range map[string]string{
		"version 2":               "\x02" + good[1:],
		"source 0":                good[:17] + "\x00" + good[18:],
		"source 3":                good[:17] + "\x03" + good[18:],
		"sequence 0":              good[:38] + strings.Repeat("\x00", 8) + good[46:],
		"cut":                     good[:len(good)-1],
		"half a field head":       good + "\x07\x00",
		"no runner":               head,
		"empty runner":            head + "\x01\x00\x00",
		"tag 0":                   head + "\x00\x00\x00" + "\x01\x00\x01r",
		"runner twice":            head + "\x01\x00\x01r" + "\x01\x00\x01r",
		"out of order":            head + "\x02\x00\x01c" + "\x01\x00\x01r",
		"empty consumer":          head + "\x01\x00\x01r" + "\x02\x00\x00",
		"consumer not UTF-8":      head + "\x01\x00\x01r" + "\x02\x00\x01\xff",
		"long consumer":           head + "\x01\x00\x01r" + "\x02\x01\x01" + strings.Repeat("c", 257),
		"length behind the end":   head + "\x01\x00\x02r",
		"short previous":          head + "\x01\x00\x01r" + "\x04\x00\x15" + strings.Repeat("p", 21),
		"previous epoch zero":     head + "\x01\x00\x01r" + "\x04\x00\x16" + strings.Repeat("\x00", 22),
		"no dimensions":           head + "\x01\x00\x01r" + "\x05\x00\x00",
		"dimension without name":  head + "\x01\x00\x01r" + "\x05\x00\x04" + "\x00\x00\x01v",
		"dimension twice":         head + "\x01\x00\x01r" + "\x05\x00\x0a" + "\x01\x00\x01av" + "\x01\x00\x01aw",
		"dimensions out of order": head + "\x01\x00\x01r" + "\x05\x00\x0a" + "\x01\x00\x01bv" + "\x01\x00\x01aw",
		"dimension cut":           head + "\x01\x00\x01r" + "\x05\x00\x04" + "\x01\x00\x02a",
		"mark with a value":       head + "\x01\x00\x01r" + "\x06\x00\x01x",
		"too long":                good + "\x07\x07\xd0" + strings.Repeat("x", 2000),
	} {
		if got, ok := readPayload([]byte(bad)); ok {
			t.Errorf("%s: read as %+v", name, got)
		}
	}
}

func TestTimeKeepsItsMilliseconds(t *testing.T) {
	keys := mustParseKeys(t, "")
	for _, ms := range []int64{0, 1, 1<<32 + 7, maxKeyTime - 1} {
		st := smallStamp()
		st.Time = time.UnixMilli(ms)
		if got, state := keys.Open(mustSeal(t, mustSealer(t, keys), st)); state != Unsealed || got.Time.UnixMilli() != ms {
			t.Errorf("%d ms came back as %d (%s)", ms, got.Time.UnixMilli(), state)
		}
	}
}
