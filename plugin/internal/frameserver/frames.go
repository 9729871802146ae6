package frameserver

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

const (
	headLength = 4
	// step is how long the gateway waits for a runner, and how long the runner then waits for the gateway.
	step = 60 * time.Second
	// kept is the largest payload whose memory a connection keeps for the next.
	kept = 64 << 10
)

// frames is a connection as the library wants it: a Read gives all that was asked for, however the kernel hands it over,
// and the two Writes of a question leave as one.
type frames struct {
	// broken: something was read or written in part, or not in time. What comes next may be the rest of it, or an answer to
	// an earlier question, and must not be taken for a frame.
	broken bool
	net.Conn
	in      *bufio.Reader
	payload bytes.Buffer
	out     []byte
	ahead   ahead
	limited bool // a read deadline is set
}

func newFrames(conn net.Conn, together [2][]byte) *frames {
	return &frames{Conn: conn, in: bufio.NewReader(conn), ahead: ahead{first: together[0], second: together[1]}}
}

// await returns when a frame begins, or the connection ends.
func (f *frames) await() error {
	if f.limited {
		f.limited = false
		if err := f.SetReadDeadline(time.Time{}); err != nil {
			return err
		}
	}
	_, err := f.in.Peek(1)
	return err
}

// next reads the frame that await saw. The payload is good until the next frame.
func (f *frames) next() (kind byte, payload []byte, err error) {
	var head [headLength]byte
	if _, err := f.Read(head[:]); err != nil {
		return 0, nil, fmt.Errorf("the head of a frame: %w", err)
	}
	length := payloadLength(head[:])
	f.payload.Reset()
	if f.payload.Cap() > kept {
		f.payload = bytes.Buffer{}
	}
	f.limit(length)
	if n, err := io.CopyN(&f.payload, f.in, int64(length)); err != nil {
		return 0, nil, fmt.Errorf("%d of a frame's %d bytes: %w", n, length, cut(err))
	}
	return head[0], f.payload.Bytes(), nil
}

// Read fills p, unless it fails.
func (f *frames) Read(p []byte) (int, error) {
	f.limit(len(p))
	n, err := io.ReadFull(f.in, p)
	f.broken = f.broken || err != nil
	return n, cut(err)
}

// limit sets the time for reading n bytes, where they are not there yet.
func (f *frames) limit(n int) {
	if f.in.Buffered() < n {
		f.limited = true
		_ = f.SetReadDeadline(time.Now().Add(step)) // fails only where reading does
	}
}

// cut is what the end of a connection means inside a frame.
func cut(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Write gathers a frame and sends it when it is whole. A failure shows at the frame's end.
func (f *frames) Write(p []byte) (int, error) {
	f.out = append(f.out, p...)
	if len(f.out) < headLength || len(f.out) < headLength+payloadLength(f.out) {
		return len(p), nil
	}
	send, err := f.question(f.out)
	if err != nil || len(send) == 0 {
		f.out = f.out[:0]
		return len(p), err
	}
	f.out = send
	return len(p), f.flush()
}

// send writes one frame.
func (f *frames) send(kind byte, payload []byte) error {
	if err := f.forget(); err != nil {
		return err
	}
	n := len(payload)
	f.out = append(append(f.out[:0], kind, byte(n>>16), byte(n>>8), byte(n)), payload...)
	return f.flush()
}

func (f *frames) flush() error {
	err := f.SetWriteDeadline(time.Now().Add(step))
	if err == nil {
		_, err = f.Conn.Write(f.out)
	}
	f.broken = f.broken || err != nil
	f.out = f.out[:0]
	if cap(f.out) > kept {
		f.out = nil
	}
	return err
}

func payloadLength(head []byte) int { return int(head[1])<<16 | int(head[2])<<8 | int(head[3]) }
