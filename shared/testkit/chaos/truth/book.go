package truth

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"sync"

	"gateway-billing.internal/shared/testkit/gateway"
)

// PoisonID is what a dead letter is unique by, its reason apart.
type PoisonID struct {
	Body [sha256.Size]byte // of the message
	// Entry is its index in the message, -1 for the whole body.
	Entry int
}

// Book is the truth of one run. It is safe for concurrent use.
type Book struct {
	mu       sync.Mutex
	intents  map[int64]Intent
	requests map[int64]*Request
	poison   map[PoisonID]string // the reason
	stamps   []string            // of requests whose entries are sent
	counts   Counts
}

// Counts is what was sent.
type Counts struct {
	// Messages and Entries are those that the broker confirmed, Resent the messages among them that repeat what was sent
	// before.
	Messages, Entries, Resent int64
}

// NewBook is an empty book.
func NewBook() *Book {
	return &Book{intents: map[int64]Intent{}, requests: map[int64]*Request{}, poison: map[PoisonID]string{}}
}

// Intend is told of a request before it is sent.
func (b *Book) Intend(i Intent) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.intents[i.Serial] = i
}

// Observe is the gateway's word (see gateway.Config): it comes before anything is encoded.
func (b *Book) Observe(t gateway.Truth) {
	b.mu.Lock()
	defer b.mu.Unlock()
	serial := SerialOf(t.URI)
	intent, ok := b.intents[serial]
	if !ok || b.requests[serial] != nil {
		panic(fmt.Sprintf("truth: request %d was not announced, or twice: %s", serial, t.URI))
	}
	delete(b.intents, serial)
	b.requests[serial] = &Request{Truth: t, Intent: intent}
	if t.Stamp != "" && !intent.Withheld {
		b.stamps = append(b.stamps, t.Stamp)
	}
}

// Poison is told of an input that can only become a dead letter, before it is sent. The same may be sent again.
func (b *Book) Poison(id PoisonID, reason string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.poison[id] = reason
}

// Sent is told of each message that the broker confirmed.
func (b *Book) Sent(entries int, again bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counts.Messages++
	b.counts.Entries += int64(entries)
	if again {
		b.counts.Resent++
	}
}

// SomeStamp is a stamp of somebody's earlier request; "" while there is none.
func (b *Book) SomeStamp(random *rand.Rand) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.stamps) == 0 {
		return ""
	}
	return b.stamps[random.IntN(len(b.stamps))]
}

// Requests are all requests by serial number. The book must not be written any more.
func (b *Book) Requests() map[int64]*Request { return b.requests }

// Poisons are all poison inputs and their reasons. The book must not be written any more.
func (b *Book) Poisons() map[PoisonID]string { return b.poison }

// Counts is a snapshot.
func (b *Book) Counts() Counts {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.counts
}

// Sofar is how many requests were made.
func (b *Book) Sofar() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.requests)
}
