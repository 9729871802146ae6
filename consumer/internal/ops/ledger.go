package ops

import (
	"time"

	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/shared/billingkey"
)

var _ ledger.Observer = (*Metrics)(nil)

// refused is the reason under which the records are counted that the database itself made dead letters. Which of
// poison, too_large and the like it was stands in the table only.
const refused = "refused"

// Committed counts a transaction.
func (m *Metrics) Committed(rows int, took time.Duration) {
	m.commits.Inc()
	m.commitTime.Observe(took.Seconds())
	m.commitRows.Observe(float64(rows))
}

// Retried counts an attempt at a transaction that failed.
func (m *Metrics) Retried(fault string) { m.retries.WithLabelValues(fault).Inc() }

// StampsMissing says how many stamp numbers did not arrive.
func (m *Metrics) StampsMissing(numbers uint64) { m.missing.Set(float64(numbers)) }

// MessageCommitted counts the entries of a message: as it was derived, and what the ledger says became of them.
func (m *Metrics) MessageCommitted(unit *record.Unit, outcome ledger.Outcome) {
	m.entriesRead.Add(float64(len(unit.Records) + len(unit.Rejects)))
	m.entries.WithLabelValues("recorded").Add(float64(outcome.Recorded))
	m.entries.WithLabelValues("duplicate").Add(float64(outcome.Duplicate))
	m.entries.WithLabelValues("conflict").Add(float64(outcome.Conflict))
	m.entries.WithLabelValues("rejected").Add(float64(outcome.Rejected))
	m.raised.Add(float64(outcome.Raised))
	for i := range unit.Rejects {
		m.deadLetters.WithLabelValues(unit.Rejects[i].Reason).Inc()
	}
	m.deadLetters.WithLabelValues(refused).Add(float64(max(0, outcome.Rejected-len(unit.Rejects))))
	m.keyStates.WithLabelValues(string(billingkey.Conflict)).Add(float64(outcome.Conflict))
	for i := range unit.Records {
		r := &unit.Records[i]
		m.keyStates.WithLabelValues(string(r.KeyState)).Inc()
		m.keySources.WithLabelValues(string(r.KeySource)).Inc()
		m.usageStates.WithLabelValues(string(r.Usage.State)).Inc()
		if r.Usage.Mismatch {
			m.mismatches.Inc()
		}
	}
}
