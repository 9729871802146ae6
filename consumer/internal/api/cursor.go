package api

import (
	"encoding/base64"
	"encoding/binary"

	"gateway-billing.internal/consumer/internal/ledger/feed"
)

// cursorVersion begins a cursor, so that another form of them can be told apart.
const cursorVersion = 1

// cursorLength is a version, sequence, id, and the witness (id, time, sum, revision), all big-endian.
const cursorLength = 1 + 8 + 8 + 8 + 8 + 4 + 4

// cursorOf is the text of a position.
func cursorOf(p feed.Position) string {
	b := []byte{cursorVersion}
	for _, n := range []int64{p.Sequence, p.ID, p.Last.ID, p.Last.Time} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	b = binary.BigEndian.AppendUint32(b, p.Last.Sum)
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint32(b, uint32(p.Last.Revision)))
}

// cursor is where to go on, the beginning without one.
func (c *call) cursor() (p feed.Position) {
	text := c.text("cursor", "", 100)
	if _, given := c.query["cursor"]; !given {
		return p
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != cursorLength || b[0] != cursorVersion {
		c.fail("cursor", "must be next_cursor of an answer")
		return p
	}
	for i, n := range []*int64{&p.Sequence, &p.ID, &p.Last.ID, &p.Last.Time} {
		*n = int64(binary.BigEndian.Uint64(b[1+8*i:])) // a negative one is refused
	}
	p.Last.Sum, p.Last.Revision = binary.BigEndian.Uint32(b[33:]), int32(binary.BigEndian.Uint32(b[37:]))
	// A row within a change is the one that was read last.
	if p.Sequence < 0 || p.ID < 0 || p.Last.ID < 0 || p.Last.Time < 0 || p.Last.Revision < 0 || p.ID > 0 && p.ID != p.Last.ID || p == (feed.Position{}) {
		c.fail("cursor", "must be next_cursor of an answer")
	}
	return p
}
