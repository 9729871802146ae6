package identity

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"gateway-billing.internal/shared/logentry"
)

// Fingerprints counts the equal entries of one message, so that each gets a fingerprint of its own. The zero value is
// ready; use one for each message, in the order of its entries.
type Fingerprints struct {
	// First is the ordinal of the first entry: not 0 only where an entry is worked on alone that equal ones preceded in
	// its message (see Ordinal).
	First uint64
	// Ordinal is the one that Next gave last.
	Ordinal uint64

	seen map[[sha256.Size]byte]uint64
	// What Next works with, kept from one entry to the next.
	buffer []byte
	names  []string
}

// Next is the fingerprint of the message's next entry: the first 16 bytes of SHA-256 over host, start time, client
// address, method, URI, request headers (names sorted), sizes, status and route, each with its length, and how often an
// equal entry stood in the message before. It is weak: it can join two equal requests of one millisecond, or part two
// copies that were sent in different company.
func (f *Fingerprints) Next(e *logentry.Entry) [16]byte {
	b := f.buffer[:0]
	b = appendText(b, e.Host)
	b = appendInt(b, e.StartMS)
	b = appendText(b, e.ClientIP)
	b = appendText(b, e.Method)
	b = appendText(b, e.URI)
	headers := e.RequestHeaders.All()
	b = appendCount(b, len(headers))
	f.names = f.names[:0]
	for name := range headers {
		f.names = append(f.names, name)
	}
	slices.Sort(f.names)
	for _, name := range f.names {
		values := headers[name]
		b = appendText(b, &name)
		b = appendCount(b, len(values))
		for _, value := range values {
			b = appendText(b, &value)
		}
	}
	b = appendInt(b, e.RequestSize)
	b = appendInt(b, e.ResponseSize)
	if e.Status == nil {
		b = appendInt(b, nil)
	} else {
		status := int64(*e.Status)
		b = appendInt(b, &status)
	}
	b = appendText(b, e.RouteID)
	f.buffer = b

	base := sha256.Sum256(b)
	ordinal := f.seen[base]
	if f.seen == nil {
		f.seen = make(map[[sha256.Size]byte]uint64)
	}
	f.seen[base] = ordinal + 1
	f.Ordinal = f.First + ordinal
	final := sha256.Sum256(binary.BigEndian.AppendUint64(base[:], f.Ordinal))
	return [16]byte(final[:16])
}

// Each value is written with its length in front, and a value that is not known with a length of its own, so that no
// two different entries give the same bytes.

func appendText(b []byte, s *string) []byte {
	if s == nil {
		return appendCount(b, -1)
	}
	return append(appendCount(b, len(*s)), *s...)
}

func appendInt(b []byte, n *int64) []byte {
	if n == nil {
		return appendCount(b, -1)
	}
	return binary.BigEndian.AppendUint64(appendCount(b, 8), uint64(*n))
}

func appendCount(b []byte, n int) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(int64(n)))
}
