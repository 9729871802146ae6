package replay_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"gateway-billing.internal/consumer/internal/replay"
)

// bodies reads standard input to its end.
func bodies(t *testing.T, in io.Reader) (all []string, err error) {
	t.Helper()
	file, err := replay.OpenFile("-", in, replay.Position{})
	if err != nil {
		return nil, err
	}
	defer file.Close()
	for {
		batch, err := file.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		for _, m := range batch {
			all = append(all, string(m.Body))
		}
	}
}

// What can be read before a file breaks off is given, and the break is an error that waiting does not mend.
func TestFileThatBreaksOff(t *testing.T) {
	var zipped bytes.Buffer
	gz := gzip.NewWriter(&zipped)
	for range 3000 {
		io.WriteString(gz, "{}\n")
	}
	gz.Flush()
	whole := zipped.Bytes()
	all, err := bodies(t, bytes.NewReader(whole))
	if len(all) != 3000 || !errors.Is(err, replay.ErrInput) {
		t.Errorf("%d bodies, error %v", len(all), err)
	}
}

// Whatever the bytes and however they are compressed: the lines come out as they are, in order, and nothing panics.
func FuzzFile(f *testing.F) {
	for _, text := range []string{"", "\n", "{}\n[]\n", "a\r\n\r\n b ", "\x1f\x8b", "\x28\xb5\x2f\xfd", "\x1f\x8b\x08\x00rest", strings.Repeat("x", 1<<12)} {
		f.Add([]byte(text))
	}
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		f.Fatal(err)
	}
	defer encoder.Close()
	f.Fuzz(func(t *testing.T, text []byte) {
		if _, err := bodies(t, bytes.NewReader(text)); err != nil && !errors.Is(err, replay.ErrInput) {
			t.Fatal(err)
		}
		var want []string
		for line := range bytes.SplitSeq(text, []byte("\n")) {
			if line = bytes.TrimSpace(line); len(line) > 0 {
				want = append(want, string(line))
			}
		}
		var zipped bytes.Buffer
		gz := gzip.NewWriter(&zipped)
		gz.Write(text)
		gz.Close()
		for name, in := range map[string][]byte{"gzip": zipped.Bytes(), "zstd": encoder.EncodeAll(text, nil)} {
			if len(text) == 0 {
				continue
			}
			got, err := bodies(t, bytes.NewReader(in))
			if err != nil || strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Fatalf("%s: %q, %v; want %q", name, got, err, want)
			}
		}
	})
}
