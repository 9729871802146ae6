package billingkey

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"maps"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

// testSecret is 32 bytes of b in base64.
func testSecret(b byte) string {
	return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, 32))
}

func mustParseKeys(t testing.TB, text string) *KeySet {
	t.Helper()
	keys, err := ParseKeys(text)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func mustSealer(t testing.TB, keys *KeySet) *Sealer {
	t.Helper()
	s, err := NewSealer(keys, testEpoch, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustSeal(t testing.TB, s *Sealer, st Stamp) string {
	t.Helper()
	text, err := s.Seal(st)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

var (
	testTime  = time.Date(2026, 3, 4, 5, 6, 7, 890e6, time.UTC)
	testEpoch = NewEpoch(testTime.Add(-time.Hour), 0x0102030405060708)
)

func smallStamp() Stamp {
	return Stamp{
		RequestID: RequestID{0xa0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
		IDSource:  IDFromVar,
		Consumer:  "acme",
		Time:      testTime,
		Runner:    "gw-1",
	}
}

func fullStamp() Stamp {
	st := smallStamp()
	st.IDSource = IDFromHeaders
	st.IdempotencyKey = "order-4711/é"
	st.Dimensions = map[string]string{"tenant": "blue", "project": "", "a": "ü"}
	st.DimensionsCut = true
	st.PreviousEpoch = NewEpoch(testTime.Add(-2*time.Hour), 42)
	st.PreviousLast = 1 << 40
	return st
}

func TestSealThenOpen(t *testing.T) {
	anonymous := smallStamp()
	anonymous.Consumer = ""
	oddTime := smallStamp()
	oddTime.Time = testTime.Add(999 * time.Microsecond).In(time.FixedZone("", 3600))
	for name, st := range map[string]Stamp{
		"small": smallStamp(), "full": fullStamp(), "anonymous": anonymous, "time below a ms": oddTime,
	} {
		t.Run(name, func(t *testing.T) {
			for _, set := range []struct {
				keys, prefix string
				want         State
			}{
				{"k1:" + testSecret(1) + ",k2:" + testSecret(2), "v1.k1.", Verified},
				{"", "v0.", Unsealed},
			} {
				keys := mustParseKeys(t, set.keys)
				text := mustSeal(t, mustSealer(t, keys), st)
				if !strings.HasPrefix(text, set.prefix) {
					t.Errorf("text %q, want prefix %q", text, set.prefix)
				}
				got, state := keys.Open(text)
				want := st
				want.Time = st.Time.Truncate(time.Millisecond).UTC()
				want.Epoch, want.Sequence = testEpoch, 1
				if state != set.want || !reflect.DeepEqual(got, want) {
					t.Errorf("Open = %s\n%+v, want %s\n%+v", state, got, set.want, want)
				}
			}
		})
	}
}

func TestSealNumbersFromOneWithoutRepeat(t *testing.T) {
	keys := mustParseKeys(t, "k:"+testSecret(1))
	sealer := mustSealer(t, keys)
	const workers, each = 8, 200
	var mu sync.Mutex
	seen := make(map[uint64]string)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range each {
				st := smallStamp()
				st.Sequence, st.Epoch = 7, Epoch{9} // the Sealer's own count, whatever the caller says
				text, err := sealer.Seal(st)
				if err != nil {
					t.Error(err)
					return
				}
				got, state := keys.Open(text)
				if state != Verified || got.Epoch != testEpoch {
					t.Errorf("Open = %s, epoch %s", state, got.Epoch)
				}
				// A nonce used twice would give away the key: the nonce is the sequence.
				sealed, _ := encoding.DecodeString(text[len("v1.k."):])
				mu.Lock()
				if _, twice := seen[got.Sequence]; twice {
					t.Errorf("sequence %d twice", got.Sequence)
				}
				seen[got.Sequence] = string(sealed[saltLen : saltLen+nonceLen])
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	nonces := make(map[string]bool)
	for n := range uint64(workers * each) {
		nonce, ok := seen[n+1]
		if !ok || nonces[nonce] {
			t.Fatalf("sequence %d missing, or its nonce repeated", n+1)
		}
		nonces[nonce] = true
	}
}

func TestSealersDrawTheirOwnSalt(t *testing.T) {
	keys := mustParseKeys(t, "k:"+testSecret(1))
	a := mustSeal(t, mustSealer(t, keys), smallStamp())
	b := mustSeal(t, mustSealer(t, keys), smallStamp())
	if a == b {
		t.Fatal("two Sealers made the same seal: a nonce was used twice under one key")
	}
	if _, err := NewSealer(keys, testEpoch, strings.NewReader("short")); err == nil {
		t.Error("NewSealer took a salt that is too short")
	}
}

func TestSealRefusesWhatOpenWouldNotRead(t *testing.T) {
	for name, spoil := range map[string]func(*Stamp){
		"no ID source":             func(st *Stamp) { st.IDSource = "" },
		"no runner":                func(st *Stamp) { st.Runner = "" },
		"long runner":              func(st *Stamp) { st.Runner = strings.Repeat("r", MaxRunner+1) },
		"long consumer":            func(st *Stamp) { st.Consumer = strings.Repeat("c", MaxConsumer+1) },
		"long idempotency key":     func(st *Stamp) { st.IdempotencyKey = strings.Repeat("i", MaxIdempotencyKey+1) },
		"consumer not UTF-8":       func(st *Stamp) { st.Consumer = "\xff" },
		"time before 1970":         func(st *Stamp) { st.Time = time.UnixMilli(-1) },
		"time beyond 6 bytes":      func(st *Stamp) { st.Time = time.UnixMilli(maxKeyTime) },
		"last without its epoch":   func(st *Stamp) { st.PreviousLast = 1 },
		"idempotency key no UTF-8": func(st *Stamp) { st.IdempotencyKey = "a\xc3" },
	} {
		t.Run(name, func(t *testing.T) {
			keys := mustParseKeys(t, "k:"+testSecret(1))
			sealer := mustSealer(t, keys)
			st := smallStamp()
			spoil(&st)
			if text, err := sealer.Seal(st); err == nil {
				t.Fatalf("Seal = %q, want an error", text)
			}
			// The number was not taken, so that no gap stands for a stamp that never was.
			if got, _ := keys.Open(mustSeal(t, sealer, smallStamp())); got.Sequence != 1 {
				t.Errorf("sequence %d after a refused stamp, want 1", got.Sequence)
			}
		})
	}
}

func TestSealTakesTheFirstKeyInForce(t *testing.T) {
	const at = "@2026-03-04T05:06:07.890Z"
	const before = "@2026-03-04T05:06:07.889Z"
	for _, tt := range []struct{ name, keys, want string }{
		{"first", "a:" + testSecret(1) + ",b:" + testSecret(2), "v1.a."},
		{"first is retired", "a:" + testSecret(1) + before + ",b:" + testSecret(2), "v1.b."},
		{"first in its last ms", "a:" + testSecret(1) + at + ",b:" + testSecret(2), "v1.a."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if text := mustSeal(t, mustSealer(t, mustParseKeys(t, tt.keys)), smallStamp()); !strings.HasPrefix(text, tt.want) {
				t.Errorf("text %q, want prefix %q", text, tt.want)
			}
		})
	}
	sealer := mustSealer(t, mustParseKeys(t, "a:"+testSecret(1)+before))
	if _, err := sealer.Seal(smallStamp()); !errors.Is(err, ErrAllRetired) {
		t.Errorf("Seal with retired keys only: %v, want ErrAllRetired", err)
	}
	if sealer.Ready(testTime) == nil || sealer.Ready(testTime.Add(-time.Hour)) != nil {
		t.Error("Ready does not follow not_after")
	}
}

func TestDimensionsThatDoNotFitAreLeftOutInNameOrder(t *testing.T) {
	keys := mustParseKeys(t, "k:"+testSecret(1))
	st := smallStamp()
	st.Dimensions = map[string]string{
		"a": strings.Repeat("1", 1000),
		"b": strings.Repeat("2", 1000),
		"c": "small",
		"":  "no name",
		"d": "\xff",
		"e": strings.Repeat("3", 70000),
	}
	got, state := keys.Open(mustSeal(t, mustSealer(t, keys), st))
	want := map[string]string{"a": st.Dimensions["a"], "c": "small"}
	if state != Verified || !maps.Equal(got.Dimensions, want) || !got.DimensionsCut {
		t.Errorf("%s: dimensions of %d names, cut %v; want a and c, cut", state, len(got.Dimensions), got.DimensionsCut)
	}
}

func TestTheLargestStampFits(t *testing.T) {
	keys := mustParseKeys(t, strings.Repeat("k", maxKeyID)+":"+testSecret(1))
	st := fullStamp()
	st.Consumer = strings.Repeat("c", MaxConsumer)
	st.IdempotencyKey = strings.Repeat("i", MaxIdempotencyKey)
	st.Runner = strings.Repeat("r", MaxRunner)
	st.Dimensions = map[string]string{"a": ""}
	empty := len(appendPayload(nil, &st))
	st.Dimensions["a"] = strings.Repeat("v", MaxPayload-empty)
	text := mustSeal(t, mustSealer(t, keys), st)
	if len(text) != maxText {
		t.Errorf("the largest stamp has %d bytes, maxText is %d", len(text), maxText)
	}
	if got, state := keys.Open(text); state != Verified || len(got.Dimensions) != 1 {
		t.Errorf("Open = %s, dimensions %d", state, len(got.Dimensions))
	}
}

// At the limit a dimension gives way to the mark that another one was left out.
func TestDimensionsLeaveRoomForTheMark(t *testing.T) {
	keys := mustParseKeys(t, "")
	for n := MaxPayload - 100; n < MaxPayload; n++ {
		st := smallStamp()
		st.Dimensions = map[string]string{"a": strings.Repeat("v", n), "b": strings.Repeat("v", MaxPayload)}
		got, state := keys.Open(mustSeal(t, mustSealer(t, keys), st))
		if state != Unsealed || !got.DimensionsCut {
			t.Fatalf("a dimension of %d bytes: %s, cut %v", n, state, got.DimensionsCut)
		}
	}
}
