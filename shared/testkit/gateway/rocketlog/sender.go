package rocketlog

import (
	"context"
	"errors"
)

// Message is what a logger hands to RocketMQ. Its msgId is made at each send.
type Message struct {
	Topic, Key, Tag string
	Body            []byte
}

// Sender sends a message and returns nil when the broker confirmed it. Many sends may run at once.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// SenderFunc is a function as a Sender.
type SenderFunc func(ctx context.Context, m Message) error

// Send calls f.
func (f SenderFunc) Send(ctx context.Context, m Message) error { return f(ctx, m) }

// Fate is what becomes of one send.
type Fate int

// The fates: Deliver sends as usual; LoseAnswer sends, but the logger is told that it failed, so that it sends the same
// batch again; Refuse does not send.
const (
	Deliver Fate = iota
	LoseAnswer
	Refuse
)

var (
	errAnswerLost = errors.New("send: the broker's answer was lost (made to fail)")
	errRefused    = errors.New("send: refused (made to fail)")
)

// Faults is a Sender that lets decide choose the fate of each send. decide may be called from many goroutines at once.
func Faults(next Sender, decide func(Message) Fate) Sender {
	return SenderFunc(func(ctx context.Context, m Message) error {
		fate := decide(m)
		if fate == Refuse {
			return errRefused
		}
		if err := next.Send(ctx, m); err != nil {
			return err
		}
		if fate == LoseAnswer {
			return errAnswerLost
		}
		return nil
	})
}
