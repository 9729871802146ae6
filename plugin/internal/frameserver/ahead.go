package frameserver

import (
	"bytes"
	"errors"
)

var errBroken = errors.New("the connection broke before")

// ahead lets a question bring the one that will follow it: both leave in one write, and the second is not sent again when it
// is asked. The gateway reads a connection frame by frame and answers in order, so its two answers come as they were asked
// for, and a request waits for the gateway once instead of twice.
type ahead struct {
	first, second []byte // whole frames; empty for none
	pending       bool   // second was sent, and its answer is not read
}

// question is called with each question before it is sent, and returns what is to be sent.
func (f *frames) question(frame []byte) ([]byte, error) {
	if f.broken {
		return nil, errBroken
	}
	if f.ahead.pending {
		if bytes.Equal(frame, f.ahead.second) {
			f.ahead.pending = false
			return nil, nil
		}
		if err := f.forget(); err != nil {
			return nil, err
		}
	}
	if len(f.ahead.first) > 0 && bytes.Equal(frame, f.ahead.first) {
		f.ahead.pending = true
		frame = append(frame, f.ahead.second...)
	}
	return frame, nil
}

// forget takes an answer that nobody asks for any more off the connection.
func (f *frames) forget() error {
	pending := f.ahead.pending
	f.ahead.pending = false
	if !pending || f.broken { // of a broken one nothing is read: it could be the answer to another question
		return nil
	}
	var head [headLength]byte
	if _, err := f.Read(head[:]); err != nil {
		return err
	}
	_, err := f.Read(make([]byte, payloadLength(head[:])))
	return err
}
