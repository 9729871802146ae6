package traffic

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"gateway-billing.internal/shared/testkit/chaos/truth"
	"gateway-billing.internal/shared/testkit/gateway/rocketlog"
)

const (
	// remembered is how many old messages may be replayed.
	remembered = 400
	retryDelay = 300 * time.Millisecond
)

// Wire stands between the gateway's logger and the broker, and does everything there that a network, a logger or an
// operator may do. It is safe for concurrent use.
type Wire struct {
	next  rocketlog.Sender
	book  *truth.Book
	topic string

	mu     sync.Mutex
	random *rand.Rand
	old    []rocketlog.Message
	made   int64 // poison
}

// NewWire makes the way to next.
func NewWire(seed uint64, next rocketlog.Sender, book *truth.Book, topic string) *Wire {
	return &Wire{next: next, book: book, topic: topic, random: rand.New(rand.NewPCG(seed, 2))}
}

var errLost = errors.New("send: the broker's answer was lost (made to fail)")

// Send sends a message, with what the wire adds to it. Each entry of it is confirmed by the broker when Send returns nil,
// but for those that are withheld.
func (w *Wire) Send(ctx context.Context, m rocketlog.Message) error {
	m.Body = withoutLost(m.Body)
	if m.Body == nil {
		return nil
	}
	all, answerLost := w.plan(m)
	for i, message := range all {
		if err := w.next.Send(ctx, message); err != nil {
			return err // the logger sends the batch again, and the wire draws again
		}
		w.book.Sent(count(message.Body), i > 0)
	}
	extra := w.extra(m)
	for _, message := range extra {
		if err := w.insist(ctx, message); err != nil {
			return err
		}
		w.book.Sent(count(message.Body), true)
	}
	if answerLost {
		return errLost
	}
	return nil
}

// insist sends until the broker confirms: the book knows of the message already.
func (w *Wire) insist(ctx context.Context, m rocketlog.Message) error {
	for w.next.Send(ctx, m) != nil {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(retryDelay):
		}
	}
	return nil
}

// plan is the message itself, or its entries in two messages with others' entries between them.
func (w *Wire) plan(m rocketlog.Message) (all []rocketlog.Message, answerLost bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	answerLost = w.pick(100) < 4
	parts := entries(m.Body)
	if len(parts) < 2 || w.pick(100) >= 12 {
		return []rocketlog.Message{m}, answerLost
	}
	cut := 1 + w.pick(len(parts)-1)
	first, second := m, m
	first.Body = array(withoutTwins(append(w.strangers(), parts[:cut]...)))
	second.Body = array(withoutTwins(append(slices.Clone(parts[cut:]), w.strangers()...)))
	return []rocketlog.Message{first, second}, answerLost
}

// extra is what follows a message that was sent: storms, replays, mixtures, poison.
func (w *Wire) extra(m rocketlog.Message) (all []rocketlog.Message) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.pick(100) < 2 {
		for range 3 + w.pick(12) {
			all = append(all, m)
		}
	}
	if len(w.old) > 0 && w.pick(100) < 6 {
		all = append(all, w.old[w.pick(len(w.old))])
	}
	if strange := w.strangers(); len(strange) > 0 && w.pick(100) < 4 {
		mixed := m
		mixed.Body = array(withoutTwins(append(strange, entries(m.Body)...)))
		all = append(all, mixed)
	}
	if w.pick(100) < 3 {
		bad := m
		bad.Body = w.poison(m.Body)
		for range 1 + w.pick(2) {
			all = append(all, bad)
		}
	}
	if len(w.old) < remembered {
		w.old = append(w.old, m)
	} else {
		w.old[w.pick(remembered)] = m
	}
	return all
}

// strangers are some entries of an old message.
func (w *Wire) strangers() [][]byte {
	if len(w.old) == 0 {
		return nil
	}
	parts := entries(w.old[w.pick(len(w.old))].Body)
	from := w.pick(len(parts))
	return slices.Clone(parts[from:min(len(parts), from+3)])
}

func (w *Wire) pick(n int) int { return w.random.IntN(max(n, 1)) }

// withoutLost leaves out the entries that are to be lost; nil when nothing is left.
func withoutLost(body []byte) []byte {
	mark := []byte(`"uri":"` + lostPrefix)
	if !bytes.Contains(body, mark) {
		return body
	}
	left := slices.DeleteFunc(entries(body), func(entry []byte) bool { return bytes.Contains(entry, mark) })
	if len(left) == 0 {
		return nil
	}
	return array(left)
}

// count is how many entries the consumer will find in a body: one where it finds none.
func count(body []byte) int {
	var parts []json.RawMessage
	if body[0] != '[' || json.Unmarshal(body, &parts) != nil {
		return 1
	}
	return max(len(parts), 1)
}
