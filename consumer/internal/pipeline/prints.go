package pipeline

import (
	"encoding/json"
	"sync"

	"gateway-billing.internal/consumer/internal/identity"
	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/shared/logentry"
)

// prints are the fingerprints of a message's entries, computed when one is asked for: most records have the gateway's
// own word for their request and never need one. It is safe for concurrent use.
type prints struct {
	parts []json.RawMessage
	// first is the place of the first part in its message: not 0 only where an entry is worked on alone.
	first int

	mu    sync.Mutex
	count identity.Fingerprints
	known []printed
}

type printed struct {
	fingerprint [16]byte
	ordinal     uint64
	startMS     *int64
}

// at is the fingerprint of the entry at that place, and how many equal ones stand before it. e is that entry where it is
// decoded already, else nil. An entry that can't be decoded has none.
func (p *prints) at(place int, e *logentry.Entry) printed {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := place - p.first
	for next := len(p.known); next <= i; next++ {
		entry := e
		if next != i || e == nil {
			if entry = decoded(p.parts[next]); entry == nil {
				p.known = append(p.known, printed{})
				continue
			}
		}
		p.known = append(p.known, printed{p.count.Next(entry), p.count.Ordinal, entry.StartMS})
	}
	return p.known[i]
}

// decoded is the entry, nil where it can't be decoded. A panic over it is its own affair, and not that of the entry whose
// fingerprint is asked for.
func decoded(part json.RawMessage) (e *logentry.Entry) {
	defer func() {
		if recover() != nil {
			e = nil
		}
	}()
	e, err := logentry.Decode(part)
	if err != nil {
		return nil
	}
	return e
}

// Fingerprint implements record.Fingerprinter.
func (p *prints) Fingerprint(place int) (key billingkey.Key, occurrence uint64) {
	of := p.at(place, nil)
	if of.startMS == nil {
		return key, of.ordinal
	}
	key, _ = billingkey.NewKey(*of.startMS, of.fingerprint) // a record's time has been checked
	return key, of.ordinal
}
