package extplugin

import (
	"errors"
	"fmt"
	"io"
)

// The types of a frame.
const (
	typeError       byte = 0
	typePrepareConf byte = 1
	typeHTTPReqCall byte = 2
	typeExtraInfo   byte = 3
)

// maxFrame is the most bytes that a frame's three length bytes can tell.
const maxFrame = 1<<24 - 1

var errTooLarge = errors.New("ext-plugin frame: over 16777215 bytes")

// writeFrame sends a frame in one write: the runner's library reads the payload with a single read.
func writeFrame(w io.Writer, kind byte, payload []byte) error {
	n := len(payload)
	if n > maxFrame {
		return errTooLarge
	}
	frame := append([]byte{kind, byte(n >> 16), byte(n >> 8), byte(n)}, payload...)
	if _, err := w.Write(frame); err != nil {
		return fmt.Errorf("send ext-plugin frame: %w", err)
	}
	return nil
}

func readFrame(r io.Reader) (kind byte, payload []byte, err error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, fmt.Errorf("receive ext-plugin frame: %w", err)
	}
	payload = make([]byte, int(head[1])<<16|int(head[2])<<8|int(head[3]))
	if _, err := io.ReadFull(r, payload); err != nil {
		return 0, nil, fmt.Errorf("receive ext-plugin frame: %w", err)
	}
	return head[0], payload, nil
}
