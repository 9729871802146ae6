package pipeline

import (
	"encoding/json"

	"gateway-billing.internal/consumer/internal/deadletter"
	"gateway-billing.internal/consumer/internal/identity"
	"gateway-billing.internal/consumer/internal/record"
)

// Redrive is what a dead letter becomes now: the unit of its whole message, or of its one entry with the origin, the
// place and the key that it would have had among the others. Its raw bytes must be whole.
func (d *Deriver) Redrive(l *deadletter.Letter) record.Unit {
	if l.EntryIndex < 0 {
		return d.Unit(l.Origin, l.Raw)
	}
	unit := record.Unit{Body: l.Raw}
	prints := &prints{parts: []json.RawMessage{l.Raw}, first: l.EntryIndex, count: identity.Fingerprints{First: l.Occurrence}}
	rec, reject := d.entry(prints, l.EntryIndex, l.Raw)
	if reject != nil {
		reject.Origin, reject.EntryIndex, reject.Raw, reject.BodySHA256 = l.Origin, l.EntryIndex, l.Raw, l.BodySHA256
		unit.Rejects = []record.Reject{*reject}
		return unit
	}
	// The key set only grows, but what is believed may change; the key that was computed stays, so that copies meet.
	if l.Key != nil && rec.Key != *l.Key {
		if rec.KeySource == record.KeyFromFingerprint {
			rec.Prints, rec.FingerprintKey, rec.Occurrence = nil, *l.Key, l.Occurrence
		}
		rec.Key = *l.Key
	}
	rec.Origin, rec.EntryIndex, rec.Raw = l.Origin, l.EntryIndex, l.Raw
	unit.Records = []record.Record{*rec}
	return unit
}
