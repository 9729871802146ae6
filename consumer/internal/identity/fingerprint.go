package identity

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"maps"
	"slices"

	"gateway-billing.internal/shared/logentry"
)

// Fingerprints counts the equal entries of one message, so that each gets a fingerprint of its own. The zero value is
// ready; use one for each message, in the order of its entries.
type Fingerprints struct {
	seen map[[sha256.Size]byte]uint64
}

// Next is the fingerprint of the message's next entry: the first 16 bytes of SHA-256 over host, start time, client
// address, method, URI, request headers (names sorted), sizes, status and route, each with its length, and how often an
// equal entry stood in the message before. It is weak: it can join two equal requests of one millisecond, or part two
// copies that were sent in different company.
func (f *Fingerprints) Next(e *logentry.Entry) [16]byte {
	h := sha256.New()
	writeText(h, e.Host)
	writeInt(h, e.StartMS)
	writeText(h, e.ClientIP)
	writeText(h, e.Method)
	writeText(h, e.URI)
	writeCount(h, len(e.RequestHeaders))
	for _, name := range slices.Sorted(maps.Keys(e.RequestHeaders)) {
		values := e.RequestHeaders[name]
		writeText(h, &name)
		writeCount(h, len(values))
		for _, value := range values {
			writeText(h, &value)
		}
	}
	writeInt(h, e.RequestSize)
	writeInt(h, e.ResponseSize)
	if e.Status == nil {
		writeInt(h, nil)
	} else {
		status := int64(*e.Status)
		writeInt(h, &status)
	}
	writeText(h, e.RouteID)

	base := [sha256.Size]byte(h.Sum(nil))
	ordinal := f.seen[base]
	if f.seen == nil {
		f.seen = make(map[[sha256.Size]byte]uint64)
	}
	f.seen[base] = ordinal + 1
	final := sha256.Sum256(binary.BigEndian.AppendUint64(base[:], ordinal))
	return [16]byte(final[:16])
}

// Each value is written with its length in front, and a value that is not known with a length of its own, so that no
// two different entries give the same bytes.

func writeText(h hash.Hash, s *string) {
	if s == nil {
		writeCount(h, -1)
		return
	}
	writeCount(h, len(*s))
	h.Write([]byte(*s))
}

func writeInt(h hash.Hash, n *int64) {
	if n == nil {
		writeCount(h, -1)
		return
	}
	writeCount(h, 8)
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(*n)))
}

func writeCount(h hash.Hash, n int) {
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(int64(n))))
}
