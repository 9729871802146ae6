package bodyfile

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"go.uber.org/goleak"

	"gateway-billing.internal/consumer/internal/replay"
	"gateway-billing.internal/consumer/internal/source/sourcetest"
)

// The replay's flow brings the RocketMQ client's goroutines along.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m, sourcetest.ClientLeaks()...) }

const testLimit = 100_000

func open(t testing.TB, data string, at replay.Position) *Reader {
	t.Helper()
	r, err := newReader(strings.NewReader(data), "f", int64(len(data)), at, testLimit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// all reads to the end.
func all(t testing.TB, r *Reader) (items []replay.Item, err error) {
	t.Helper()
	for {
		item, err := r.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return items, nil
		}
		if err != nil {
			return items, err
		}
		items = append(items, item)
	}
}

func compressed(t testing.TB, data string, by func(io.Writer) io.WriteCloser) string {
	t.Helper()
	var out bytes.Buffer
	w := by(&out)
	if _, err := io.WriteString(w, data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func toGzip(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }

func toZstd(w io.Writer) io.WriteCloser {
	z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
	if err != nil {
		panic(err)
	}
	return z
}

// Whatever the file is compressed with, in one piece or in several, the lines are the same.
func TestLines(t *testing.T) {
	const first, second = "{\"a\":1}\n\n[1,2]\r\n  \n\"", "x\"\n{}"
	skippable := "\x51\x2a\x4d\x18\x03\x00\x00\x00abc"
	for name, data := range map[string]string{
		"plain":                first + second,
		"gzip":                 compressed(t, first+second, toGzip),
		"gzip of two members":  compressed(t, first, toGzip) + compressed(t, second, toGzip),
		"zstd":                 compressed(t, first+second, toZstd),
		"zstd of two frames":   compressed(t, first, toZstd) + compressed(t, second, toZstd),
		"zstd behind metadata": skippable + compressed(t, first+second, toZstd),
	} {
		t.Run(name, func(t *testing.T) {
			r := open(t, data, replay.Position{})
			items, err := all(t, r)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, i := range items {
				got = append(got, fmt.Sprintf("%d %s", i.Origin.Offset, i.Body))
				if i.Origin.File != "f" || i.Whole != nil {
					t.Errorf("%+v", i)
				}
			}
			if want := []string{`1 {"a":1}`, `3 [1,2]`, `5 "x"`, `6 {}`}; !slices.Equal(got, want) {
				t.Errorf("read %q, want %q", got, want)
			}
			if notes := r.Notes(); len(notes) != 1 || !strings.Contains(notes[0], "2 blank lines") {
				t.Errorf("notes %q", notes)
			}
			if _, part := r.Progress(); part != 1 {
				t.Errorf("read %v of the file", part)
			}
		})
	}
}

func TestNothingInTheFile(t *testing.T) {
	for _, data := range []string{"", "\n", compressed(t, "", toGzip), compressed(t, "", toZstd)} {
		if items, err := all(t, open(t, data, replay.Position{})); len(items) > 0 || err != nil {
			t.Errorf("%q: %v, %v", data, items, err)
		}
	}
}

// From the position behind any message, exactly the others are read; a last line that nothing ends is read again.
func TestGoesOnFromEachPosition(t *testing.T) {
	for _, tt := range []struct {
		data  string
		again int // messages that are read twice
	}{{"1\n\n22\n333\n\n4444\n", 0}, {"1\n\n22\n333\n\n4444", 1}} {
		items, err := all(t, open(t, tt.data, replay.Position{}))
		if err != nil {
			t.Fatal(err)
		}
		for i := range items {
			want := items[i+1:]
			if i == len(items)-1 {
				want = items[len(items)-tt.again:]
			}
			rest, err := all(t, open(t, tt.data, items[i].Behind))
			if err != nil || len(rest) != len(want) {
				t.Fatalf("behind message %d of %q: %+v, %v", i, tt.data, rest, err)
			}
			for j := range rest {
				if string(rest[j].Body) != string(want[j].Body) || rest[j].Origin != want[j].Origin || rest[j].Behind != want[j].Behind {
					t.Errorf("behind message %d: %+v, want %+v", i, rest[j], want[j])
				}
			}
		}
	}
}

// A file may grow and be compressed in another way, but what was read must stand there as it was.
func TestChangedFileIsRefused(t *testing.T) {
	items, err := all(t, open(t, "1\n22\n333\n", replay.Position{}))
	if err != nil {
		t.Fatal(err)
	}
	at := items[1].Behind
	for data, want := range map[string]string{
		"1\n22\n333\n4444\n":                  "333 4444",
		"1\n22\nother\n":                      "other",
		"1\n22\n":                             "",
		"1\n23\n333\n":                        "changed",
		"2\n22\n333\n":                        "changed",
		"1\n2":                                "changed",
		"":                                    "changed",
		compressed(t, "1\n22\n333\n", toGzip): "333",
	} {
		r, err := New(strings.NewReader(data), "f", 0, at)
		if errors.Is(err, ErrChanged) {
			if want != "changed" {
				t.Errorf("%q was refused", data)
			}
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		rest, err := all(t, r)
		var got []string
		for _, i := range rest {
			got = append(got, string(i.Body))
		}
		if strings.Join(got, " ") != want || err != nil {
			t.Errorf("%q: read %q, %v, want %q", data, got, err, want)
		}
	}
}

// A line that is too long is told of, with its length and hash, and the lines around it are read. One of just the length
// that is read is whole.
func TestTooLongLine(t *testing.T) {
	for _, n := range []int{testLimit, testLimit + 1, 3 * testLimit} {
		for _, end := range []string{"\n", "\nafter\n", ""} {
			line := strings.Repeat("x", n)
			items, err := all(t, open(t, "before\n"+line+end, replay.Position{}))
			if err != nil || len(items) != 2+strings.Count(end, "after") {
				t.Fatalf("%d messages, %v", len(items), err)
			}
			long := items[1]
			if n <= testLimit {
				if long.Whole != nil || string(long.Body) != line {
					t.Errorf("%d bytes, of %d whole", len(long.Body), n)
				}
				continue
			}
			if long.Whole == nil || long.Whole.Length != int64(n) || long.Whole.SHA256 != sha256.Sum256([]byte(line)) || !strings.HasPrefix(line, string(long.Body)) {
				t.Errorf("line of %d: %d bytes kept, whole %+v", n, len(long.Body), long.Whole)
			}
		}
	}
}

// A file that breaks off says where, behind its whole lines; its last line is not taken for whole.
func TestFileThatBreaksOff(t *testing.T) {
	text := strings.Repeat("0123456789abcdef\n", 10_000)
	for name, by := range map[string]func(io.Writer) io.WriteCloser{"gzip": toGzip, "zstd": toZstd} {
		data := compressed(t, text, by)
		items, err := all(t, open(t, data[:len(data)-5], replay.Position{}))
		if err == nil || !strings.Contains(err.Error(), "breaks off behind line") {
			t.Errorf("%s: %d messages, %v", name, len(items), err)
		}
		for _, i := range items {
			if len(i.Body) != 16 {
				t.Errorf("%s: a cut line %q", name, i.Body)
			}
		}
	}
	if _, err := New(strings.NewReader("\x1f\x8bnot gzip"), "f", 0, replay.Position{}); err == nil {
		t.Error("what only begins like gzip was opened")
	}
}

func TestContextEndsTheReading(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r := open(t, "1\n2\n", replay.Position{})
	if _, err := r.Next(ctx); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := r.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// Whatever the bytes: each line that is not blank is one message, in bounded memory, and reading from any position gives
// the rest.
func FuzzReader(f *testing.F) {
	for _, text := range []string{"{}\n[]\r\n\n \nx", strings.Repeat("y", 200) + "\nz\n", ""} {
		f.Add([]byte(text), uint(1))
		f.Add([]byte(compressed(f, text, toGzip)), uint(2))
		f.Add([]byte(compressed(f, text, toZstd)), uint(3))
	}
	f.Fuzz(func(t *testing.T, data []byte, pick uint) {
		const limit = 150
		r, err := newReader(bytes.NewReader(data), "f", 0, replay.Position{}, limit)
		if err != nil {
			return
		}
		defer r.Close()
		items, err := all(t, r)
		if err == nil && !bytes.HasPrefix(data, []byte{0x1f, 0x8b}) && !isZstd(data[:min(len(data), 4)]) {
			want := 0
			for line := range bytes.Lines(data) {
				if len(bytes.TrimSpace(line)) > 0 || len(bytes.TrimSuffix(line, []byte("\n"))) > limit {
					want++
				}
			}
			if len(items) != want {
				t.Fatalf("%d messages of %d lines", len(items), want)
			}
		}
		for _, i := range items {
			if len(i.Body) > limit || i.Whole != nil && i.Whole.Length <= limit || bytes.ContainsRune(i.Body, '\n') {
				t.Fatalf("message of %d bytes, whole %+v", len(i.Body), i.Whole)
			}
		}
		if len(items) == 0 {
			return
		}
		i := int(pick % uint(len(items)))
		again, againErr := newReader(bytes.NewReader(data), "f", 0, items[i].Behind, limit)
		if againErr != nil {
			t.Fatalf("the position behind message %d is refused: %v", i, againErr)
		}
		defer again.Close()
		rest, restErr := all(t, again)
		unended := 0 // a last line that nothing ends is read again
		if items[i].Behind.Next == items[i].Origin.Offset {
			unended = 1
		}
		if (err == nil) != (restErr == nil) || len(rest) != len(items)-i-1+unended {
			t.Fatalf("behind message %d of %d: %d messages, %v and %v", i, len(items), len(rest), err, restErr)
		}
	})
}
