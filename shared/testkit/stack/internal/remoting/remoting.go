// Package remoting owns one request and one answer of RocketMQ's remoting protocol, as admin tools speak it: a TCP
// connection a call, the header as JSON. The Go client keeps its own implementation internal.
//
// The consumer has a small client of this protocol too, for its own questions. They are two on purpose: by the import
// rules neither side may use the other's, and what checks a program is worth less when it shares code with it.
//
// A frame is its length, the length of the header (the top byte names the header's encoding, 0 for JSON), the header
// and the body; both lengths are 4 bytes, big-endian, and the first does not count itself.
package remoting

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// Success is the code of an answer to a request that was carried out.
const Success = 0

// protocolVersion is 5.3.x, as the consumer's client says too: servers choose the form of some answers by it.
const protocolVersion = 477

// maxFrame bounds what an answer may hold: far more than any admin answer here.
const maxFrame = 16 << 20

// Request is a command of the protocol.
type Request struct {
	Code   int
	Fields map[string]string
	Body   []byte
}

// Response is the answer to a Request. Remark is the server's own word about a Code other than Success.
type Response struct {
	Code   int               `json:"code"`
	Remark string            `json:"remark"`
	Fields map[string]string `json:"extFields"`
	Body   []byte            `json:"-"`
}

// Error is an answer with a Code other than Success.
type Error struct {
	Code   int
	Remark string
}

func (e *Error) Error() string { return fmt.Sprintf("answer code %d: %s", e.Code, e.Remark) }

// Client sends requests, signed when it has credentials. The zero value sends them unsigned.
type Client struct {
	AccessKey, SecretKey string
}

// Call sends one request to addr (host:port) and returns its answer; an answer that is not Success is an *Error.
func (c Client) Call(ctx context.Context, addr string, request Request) (*Response, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()

	response, err := exchange(conn, c.sign(request))
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, fmt.Errorf("request %d to %s: %w", request.Code, addr, err)
	}
	if response.Code != Success {
		return nil, fmt.Errorf("request %d to %s: %w", request.Code, addr, &Error{response.Code, response.Remark})
	}
	return response, nil
}

func exchange(conn io.ReadWriter, request Request) (*Response, error) {
	header, err := json.Marshal(map[string]any{
		"code": request.Code, "language": "GO", "version": protocolVersion, "opaque": 1, "flag": 0, "extFields": request.Fields,
	})
	if err != nil {
		return nil, err
	}
	frame := binary.BigEndian.AppendUint32(nil, uint32(4+len(header)+len(request.Body)))
	frame = binary.BigEndian.AppendUint32(frame, uint32(len(header)))
	frame = append(append(frame, header...), request.Body...)
	if _, err := conn.Write(frame); err != nil {
		return nil, err
	}
	return read(conn)
}

func read(conn io.Reader) (*Response, error) {
	var lengths [8]byte
	if _, err := io.ReadFull(conn, lengths[:]); err != nil {
		return nil, err
	}
	rest := int64(binary.BigEndian.Uint32(lengths[:4])) - 4
	header := int64(binary.BigEndian.Uint32(lengths[4:]))
	if rest < 0 || rest > maxFrame || header > rest {
		return nil, errors.New("the answer is no frame with a JSON header")
	}
	frame := make([]byte, rest)
	if _, err := io.ReadFull(conn, frame); err != nil {
		return nil, err
	}
	response := &Response{Body: frame[header:]}
	if err := json.Unmarshal(frame[:header], response); err != nil {
		return nil, fmt.Errorf("header of the answer: %w", err)
	}
	return response, nil
}
