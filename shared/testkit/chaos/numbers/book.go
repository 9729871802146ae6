// Package numbers owns the accounts of a storm at the runner's socket: which stamps the runner gave and to whom, which of them
// reached a log, and which numbers are missing by that.
package numbers

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"sync"

	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/shared/testkit/gateway"
)

// Want is what the stamp of one request has to say.
type Want struct {
	Consumer, IdempotencyKey string
	Dimensions               map[string]string
}

// id is a number of the runner.
type id struct {
	epoch    billingkey.Epoch
	sequence uint64
}

// Book is written while the storm lasts. It is safe for concurrent use.
type Book struct {
	keys *billingkey.KeySet

	mu    sync.Mutex
	wants map[string]Want // by URI, which is a request's own
	given map[id]string   // to the request of this ID
	// arrived are the numbers in entries that the broker took, logged the requests of these entries, and told what their
	// stamps say of the epoch before: its last number.
	arrived     map[id]bool
	logged      map[string]bool
	told        map[billingkey.Epoch]uint64
	unstamped   int
	differences []string
}

// NewBook is an empty book.
func NewBook(keys *billingkey.KeySet) *Book {
	return &Book{
		keys: keys, wants: map[string]Want{}, given: map[id]string{}, arrived: map[id]bool{}, logged: map[string]bool{},
		told: map[billingkey.Epoch]uint64{},
	}
}

// Intend is told of a request before it is sent.
func (b *Book) Intend(uri string, want Want) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wants[uri] = want
}

// Observe is the gateway's word of a request (see gateway.Config).
func (b *Book) Observe(t gateway.Truth) {
	b.mu.Lock()
	defer b.mu.Unlock()
	want := b.wants[t.URI]
	delete(b.wants, t.URI)
	if t.Stamp == "" {
		b.unstamped++
		return
	}
	st, state := b.keys.Open(t.Stamp)
	n := id{st.Epoch, st.Sequence}
	switch first, again := b.given[n]; {
	case state != billingkey.Verified:
		b.differ("request %s: the stamp is %s", t.RequestID, state)
		return
	case again:
		b.differ("request %s has the number %d of request %s", t.RequestID, n.sequence, first)
	case st.RequestID.String() != t.RequestID || st.Consumer != want.Consumer || st.IdempotencyKey != want.IdempotencyKey ||
		!maps.Equal(st.Dimensions, want.Dimensions):
		b.differ("request %s %s: the stamp says %+v, not %+v", t.RequestID, t.URI, st, want)
	}
	b.given[n] = t.RequestID
}

// Arrived is told of each body that the broker took.
func (b *Book) Arrived(body []byte) error {
	type entry struct {
		Billing struct {
			RequestID string `json:"request_id"`
			Stamp     string
		}
	}
	var entries []entry
	if body[0] == '{' {
		entries = make([]entry, 1)
		if err := json.Unmarshal(body, &entries[0]); err != nil {
			return err
		}
	} else if err := json.Unmarshal(body, &entries); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range entries {
		b.logged[e.Billing.RequestID] = true
		for value := range strings.SplitSeq(e.Billing.Stamp, ", ") {
			b.arrive(e.Billing.RequestID, value)
		}
	}
	return nil
}

// arrive is told of one value of a request's stamp header.
func (b *Book) arrive(requestID, value string) {
	st, state := b.keys.Open(value)
	if state != billingkey.Verified {
		return // a client's own, of a request that the runner did not stamp, or none
	}
	n := id{st.Epoch, st.Sequence}
	if owner := b.given[n]; owner != requestID {
		b.differ("the entry of request %s has the number %d, given to %q", requestID, n.sequence, owner)
	}
	b.arrived[n] = true
	if !st.PreviousEpoch.IsZero() {
		b.told[st.PreviousEpoch] = max(b.told[st.PreviousEpoch], st.PreviousLast)
	}
}

func (b *Book) differ(format string, args ...any) {
	b.differences = append(b.differences, fmt.Sprintf(format, args...))
}
