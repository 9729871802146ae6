package ops

import "gateway-billing.internal/consumer/internal/record"

// Outcomes is what became of the entries of one message whose transaction is committed.
type Outcomes struct {
	Recorded, Duplicate, Conflict int
	// Raised are those of the duplicates that made the stored record better.
	Raised int
	// Rejected are the reasons of its dead letters. A record that the database refused is one of them.
	Rejected []string
}

// MessageCommitted counts the entries of a message, as it was derived and as it was stored.
func (m *Metrics) MessageCommitted(unit *record.Unit, stored Outcomes) {
	m.entriesRead.Add(float64(len(unit.Records) + len(unit.Rejects)))
	m.entries.WithLabelValues(string(Recorded)).Add(float64(stored.Recorded))
	m.entries.WithLabelValues(string(Duplicate)).Add(float64(stored.Duplicate))
	m.entries.WithLabelValues(string(Conflict)).Add(float64(stored.Conflict))
	m.entries.WithLabelValues(string(Rejected)).Add(float64(len(stored.Rejected)))
	m.raised.Add(float64(stored.Raised))
	for _, reason := range stored.Rejected {
		m.deadLetters.WithLabelValues(reason).Inc()
	}
	for i := range unit.Records {
		r := &unit.Records[i]
		m.keyStates.WithLabelValues(string(r.KeyState)).Inc()
		m.keySources.WithLabelValues(string(r.KeySource)).Inc()
		m.usageStates.WithLabelValues(string(r.Usage.State)).Inc()
	}
}
