package bodyfile

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync/atomic"

	"gateway-billing.internal/consumer/internal/deadletter"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/consumer/internal/replay"
)

const (
	// MaxLine is the most bytes of one line that are read: four times a broker's default limit of a message.
	MaxLine = 16 << 20
	// Lane is the name of the one lane.
	Lane = "lines"
)

// Of is what a replay of a file is called in its state: which file shows by its content.
const Of = "message bodies of a file"

// ErrChanged: what stands before the position is not what was read there.
var ErrChanged = errors.New("the file is not the one that was read before: what stands before the position has changed")

// Reader reads one file. It is a replay.Input.
type Reader struct {
	name  string
	in    *bufio.Reader
	close func() error
	limit int
	// size is the size of the file as it lies there, 0 when it is not known; read counts its bytes.
	size int64
	read *counter

	sum   hash.Hash // over bytes
	bytes int64
	line  atomic.Int64 // the last that was read
	blank int64
}

// New reads from in, whose name goes into the origins. size is how many bytes in has, 0 when that is not known. A
// position, unless it is zero, is where to go on; then what stands before it is read and compared.
func New(in io.Reader, name string, size int64, position replay.Position) (*Reader, error) {
	return newReader(in, name, size, position, MaxLine)
}

func newReader(in io.Reader, name string, size int64, position replay.Position, limit int) (*Reader, error) {
	r := &Reader{name: name, size: size, read: &counter{in: in}, limit: limit, sum: sha256.New()}
	plain, closePlain, err := decompress(r.read)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	r.in, r.close = bufio.NewReaderSize(plain, 64<<10), closePlain
	if err := r.skipTo(position); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), r.Close())
	}
	return r, nil
}

// Close frees the decompressor. It does not close what is read from.
func (r *Reader) Close() error { return r.close() }

func (r *Reader) skipTo(p replay.Position) error {
	if p == (replay.Position{}) {
		return nil
	}
	n, err := io.CopyN(r.sum, r.in, p.Bytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if n < p.Bytes || hex.EncodeToString(r.sum.Sum(nil)) != p.SHA256 {
		return ErrChanged
	}
	r.bytes = n
	r.line.Store(p.Next - 1)
	return nil
}

// Next returns the next line that is not blank. ctx is looked at between lines: a read that does not return is not ended
// by it.
func (r *Reader) Next(ctx context.Context) (replay.Item, error) {
	for {
		if err := ctx.Err(); err != nil {
			return replay.Item{}, err
		}
		at := r.position(r.line.Load() + 1)
		line, err := r.readLine()
		if err != nil && !errors.Is(err, io.EOF) {
			return replay.Item{}, fmt.Errorf("%s: breaks off behind line %d: %w", r.name, r.line.Load(), err)
		}
		if line.length == 0 {
			return replay.Item{}, io.EOF
		}
		number := r.line.Add(1)
		body := bytes.TrimSuffix(bytes.TrimSuffix(line.kept, []byte("\n")), []byte("\r"))
		if line.whole == nil && len(bytes.TrimSpace(body)) == 0 {
			r.blank++
			continue
		}
		item := replay.Item{
			Origin: record.Origin{File: r.name, Offset: number}, Body: body, Whole: line.whole, Limit: r.limit, Lane: Lane, Behind: at,
		}
		if err == nil {
			item.Behind = r.position(number + 1)
		}
		return item, nil
	}
}

// position is the one before a line, at which the reader stands.
func (r *Reader) position(next int64) replay.Position {
	return replay.Position{Next: next, Bytes: r.bytes, SHA256: hex.EncodeToString(r.sum.Sum(nil))}
}

// text is one line with its end.
type text struct {
	kept   []byte
	length int64
	// whole is set when kept is only the beginning.
	whole *record.Whole
}

// readLine reads to the end of a line; io.EOF when it is the last and nothing ends it.
func (r *Reader) readLine() (t text, err error) {
	var over hash.Hash // over the line without its end, once it is too long
	for {
		piece, err := r.in.ReadSlice('\n')
		r.sum.Write(piece)
		r.bytes += int64(len(piece))
		t.length += int64(len(piece))
		content := bytes.TrimSuffix(piece, []byte("\n"))
		switch {
		case over != nil:
			over.Write(content)
		case len(t.kept)+len(content) <= r.limit:
			t.kept = append(t.kept, piece...)
		default:
			over = sha256.New()
			over.Write(t.kept)
			over.Write(content)
			beginning := append(t.kept, content...)
			t.kept = bytes.Clone(beginning[:min(len(beginning), r.limit, deadletter.MaxRaw)])
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if over != nil {
			length := t.length
			if err == nil {
				length--
			}
			t.whole = &record.Whole{Length: length, SHA256: [32]byte(over.Sum(nil))}
		}
		return t, err
	}
}

// Progress says the line, and how much of the file is read where its size is known.
func (r *Reader) Progress() (place string, part float64) {
	place = fmt.Sprintf("%s: line %d", r.name, r.line.Load())
	if r.size <= 0 {
		return place, -1
	}
	return place, min(float64(r.read.n.Load())/float64(r.size), 1)
}

// Notes counts the blank lines.
func (r *Reader) Notes() []string {
	if r.blank == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%s: %d blank lines hold no message", r.name, r.blank)}
}

// counter counts what is read.
type counter struct {
	in io.Reader
	n  atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.n.Add(int64(n))
	return n, err
}
