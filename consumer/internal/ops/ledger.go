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
func (m *Metrics) Retried(fault string) { m.retries.of(fault).Inc() }

// StampsMissing says how many stamp numbers did not arrive.
func (m *Metrics) StampsMissing(numbers uint64) { m.missing.WithLabelValues().Set(float64(numbers)) }

// DeadLettersPending says how many dead letters wait for a person, by reason.
func (m *Metrics) DeadLettersPending(byReason map[string]int64) {
	m.pendingMu.Lock()
	defer m.pendingMu.Unlock()
	for reason := range m.pendingReasons {
		if byReason[reason] == 0 { // it stays, at 0: that it went down is worth seeing
			m.pending.WithLabelValues(reason).Set(0)
		}
	}
	for reason, n := range byReason {
		m.pendingReasons[reason] = true
		m.pending.WithLabelValues(reason).Set(float64(n))
	}
}

// MessageCommitted counts the entries of a message: as it was derived, and what the ledger says became of them.
func (m *Metrics) MessageCommitted(unit *record.Unit, outcome ledger.Outcome) {
	m.entriesRead.Add(float64(len(unit.Records) + len(unit.Rejects)))
	m.recorded.Add(float64(outcome.Recorded))
	m.duplicate.Add(float64(outcome.Duplicate))
	m.conflict.Add(float64(outcome.Conflict))
	m.rejected.Add(float64(outcome.Rejected))
	m.raised.Add(float64(outcome.Raised))
	for i := range unit.Rejects {
		m.deadLetters.of(unit.Rejects[i].Reason).Inc()
	}
	m.deadLetters.of(refused).Add(float64(max(0, outcome.Rejected-len(unit.Rejects))))
	m.keyStates.of(string(billingkey.Conflict)).Add(float64(outcome.Conflict))
	for i := range unit.Records {
		r := &unit.Records[i]
		m.keyStates.of(string(r.KeyState)).Inc()
		m.keySources.of(string(r.KeySource)).Inc()
		m.usageStates.of(r.RouteID, r.Usage.State).Inc()
		if r.Usage.Mismatch {
			m.mismatches.Inc()
		}
	}
}
