package remoting

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
)

// maxFrame bounds what is read from a peer that is not RocketMQ, or not well. Answers here are a few KiB; those to Pull hold
// 256 KiB of messages, or one that is larger (a broker's default limit of a message is 4 MiB).
const maxFrame = 64 << 20

// header is the JSON header of requests and answers.
type header struct {
	Code     int    `json:"code"`
	Language string `json:"language"`
	// Version 477 is 5.3.x. From 4.9.4 on, name servers answer standard JSON to clients that ask for it.
	Version   int               `json:"version"`
	Opaque    int32             `json:"opaque"`
	Flag      int               `json:"flag"`
	Remark    string            `json:"remark,omitempty"`
	ExtFields map[string]string `json:"extFields,omitempty"`
}

const (
	protocolVersion = 477
	flagAnswer      = 1
)

func writeFrame(w io.Writer, h header) error {
	head, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("encode header: %w", err)
	}
	buf := make([]byte, 0, 8+len(head))
	buf = binary.BigEndian.AppendUint32(buf, uint32(4+len(head)))
	buf = binary.BigEndian.AppendUint32(buf, uint32(len(head))) // serialisation 0 (JSON) in the upper byte
	buf = append(buf, head...)
	if _, err := w.Write(buf); err != nil {
		return fmt.Errorf("send request: %w", err)
	}
	return nil
}

func readFrame(r io.Reader) (header, []byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return header{}, nil, fmt.Errorf("read answer: %w", err)
	}
	n := binary.BigEndian.Uint32(size[:])
	if n < 4 || n > maxFrame {
		return header{}, nil, fmt.Errorf("read answer: frame of %d bytes, this is no RocketMQ server", n)
	}
	frame := make([]byte, n)
	if _, err := io.ReadFull(r, frame); err != nil {
		return header{}, nil, fmt.Errorf("read answer: %w", err)
	}
	mark := binary.BigEndian.Uint32(frame)
	headLen := mark & 0xffffff
	if mark>>24 != 0 || headLen > n-4 {
		return header{}, nil, fmt.Errorf("read answer: header mark %#x is not of a JSON header", mark)
	}
	var h header
	if err := json.Unmarshal(frame[4:4+headLen], &h); err != nil {
		return header{}, nil, fmt.Errorf("decode answer header: %w", err)
	}
	return h, frame[4+headLen:], nil
}
