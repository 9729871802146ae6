package replay

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"

	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/consumer/internal/source"
)

const (
	// maxLine is the most bytes of one line: several times what a broker takes as a message. Of a longer one the beginning
	// goes into the flow, where it ends as a dead letter.
	maxLine = 16 << 20
	// A batch of a file.
	batchMessages = 256
	batchBytes    = 8 << 20
	// identified is how many bytes at its beginning identify a file, beside its size.
	identified = 1 << 20
)

// File reads message bodies, one a line, plain or compressed by gzip or zstd, which shows by its first bytes. Empty lines
// are skipped.
type File struct {
	name     string
	size     int64 // of the file, 0 where it is none
	read     *counter
	lines    *bufio.Reader
	position Position
	// broken is what ended the reading behind a batch that was still given.
	broken  error
	closers []func()
}

// OpenFile opens a file, "-" for standard input, and goes on at a position, which may be zero. The position of another
// file, or of this one before it changed, is refused. Close must be called.
func OpenFile(path string, stdin io.Reader, at Position) (*File, error) {
	f := &File{name: filepath.Base(path)}
	if err := f.open(path, stdin, at); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (f *File) open(path string, in io.Reader, at Position) error {
	f.position.Input = "standard input"
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		f.closers = append(f.closers, func() { _ = file.Close() })
		if f.position.Input, f.size, err = identify(file); err != nil {
			return err
		}
		in = file
	}
	if at.Input != "" && (at.Input != f.position.Input || path == "-") {
		return fmt.Errorf("%w: the position is of %s", ErrInput, at.Input)
	}
	f.read = &counter{in: in}
	if err := f.decompress(); err != nil {
		return err
	}
	for f.position.Line < at.Line {
		if _, err := f.line(); err != nil {
			return fmt.Errorf("%w: it ends before the position: %w", ErrInput, err)
		}
	}
	return nil
}

// identify names a file by its size and beginning, and leaves it at its start.
func identify(file *os.File) (string, int64, error) {
	info, err := file.Stat()
	if err != nil {
		return "", 0, err
	}
	hash := sha256.New()
	if _, err := io.CopyN(hash, file, identified); err != nil && !errors.Is(err, io.EOF) {
		return "", 0, err
	}
	_, err = file.Seek(0, io.SeekStart)
	return fmt.Sprintf("file of %d bytes, %x", info.Size(), hash.Sum(nil)[:8]), info.Size(), err
}

func (f *File) decompress() error {
	in := bufio.NewReaderSize(f.read, 1<<20)
	head, err := in.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		unzip, err := gzip.NewReader(in)
		if err != nil {
			return fmt.Errorf("%w: gzip: %w", ErrInput, err)
		}
		in = bufio.NewReaderSize(unzip, 1<<20)
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		unzip, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(512<<20))
		if err != nil {
			return fmt.Errorf("%w: zstd: %w", ErrInput, err)
		}
		f.closers = append(f.closers, unzip.Close)
		in = bufio.NewReaderSize(unzip, 1<<20)
	}
	f.lines = in
	return nil
}

// Close closes the file.
func (f *File) Close() {
	for _, end := range f.closers {
		end()
	}
	f.closers = nil
}

// Next reads the next lines.
func (f *File) Next(context.Context) (batch []source.Message, err error) {
	size := 0
	if f.broken != nil {
		return nil, f.broken
	}
	for len(batch) < batchMessages && size < batchBytes {
		body, err := f.line()
		if errors.Is(err, io.EOF) {
			if len(batch) == 0 {
				return nil, io.EOF
			}
			return batch, nil
		}
		if err != nil {
			f.broken = fmt.Errorf("%w: %s, line %d: %w", ErrInput, f.name, f.position.Line+1, err)
			if len(batch) == 0 {
				return nil, f.broken
			}
			return batch, nil
		}
		if body = bytes.TrimSpace(body); len(body) == 0 {
			continue
		}
		size += len(body)
		batch = append(batch, source.Message{Origin: record.Origin{File: f.name, Offset: f.position.Line}, Body: body})
	}
	return batch, nil
}

// line reads one line, the last one with or without its end. Of one that is too long it keeps the beginning.
func (f *File) line() ([]byte, error) {
	var line []byte
	for {
		piece, err := f.lines.ReadSlice('\n')
		line = append(line, piece[:min(len(piece), maxLine-len(line))]...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil && (!errors.Is(err, io.EOF) || len(line) == 0):
			return nil, err
		}
		f.position.Line++
		return line, nil
	}
}

// Position is behind the last batch.
func (f *File) Position() Position { return f.position }

// Done is how many lines are done, and how much of a file.
func (f *File) Done() string {
	if f.size == 0 {
		return fmt.Sprintf("%d lines", f.position.Line)
	}
	return fmt.Sprintf("%d lines, %d %% of the file", f.position.Line, 100*f.read.n/f.size)
}

// counter counts what is read.
type counter struct {
	in io.Reader
	n  int64
}

// Read reads.
func (c *counter) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.n += int64(n)
	return n, err
}
