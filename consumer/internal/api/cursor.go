package api

import (
	"encoding/base64"
	"encoding/binary"
	"math"

	"gateway-billing.internal/consumer/internal/ledger/feed"
)

// cursorVersion begins a cursor, so that another form of them can be told apart.
const cursorVersion = 2

// cursorLength is a version, sequence, id, and what was seen of the ledger (last, random), all big-endian.
const cursorLength = 1 + 4*8

// A cursor of the form before this one does not say enough to be this ledger's.
const (
	olderVersion = 1
	olderLength  = 41
)

// cursorOf is the text of a position.
func cursorOf(p feed.Position) string {
	b := []byte{cursorVersion}
	for _, n := range []int64{p.Sequence, p.ID, p.Seen.Last, p.Seen.Random} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// cursor is where to go on, the beginning without one.
func (c *call) cursor() (p feed.Position) {
	text := c.text("cursor", "", 100)
	if _, given := c.query["cursor"]; !given {
		return p
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	switch {
	case err == nil && len(b) == olderLength && b[0] == olderVersion:
		return feed.Position{Sequence: math.MaxInt64} // which no ledger has come to
	case err != nil || len(b) != cursorLength || b[0] != cursorVersion:
		c.fail("cursor", "must be next_cursor of an answer")
		return p
	}
	for i, n := range []*int64{&p.Sequence, &p.ID, &p.Seen.Last, &p.Seen.Random} {
		*n = int64(binary.BigEndian.Uint64(b[1+8*i:])) // a negative one is refused, but for the random one
	}
	if p.Sequence < 0 || p.ID < 0 || p.Seen.Last < 0 || p.Seen == (feed.History{}) {
		c.fail("cursor", "must be next_cursor of an answer")
	}
	return p
}
