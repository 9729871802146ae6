package ops

import "gateway-billing.internal/consumer/internal/source"

var _ source.Observer = (*Metrics)(nil)

// MessageReceived counts a message that the broker handed over.
func (m *Metrics) MessageReceived(bytes int) {
	m.received.Inc()
	m.messageBytes.Add(float64(bytes))
}

// MessageAcked counts a message that was acknowledged.
func (m *Metrics) MessageAcked() { m.acked.Inc() }

// MessageStuck counts a message that is held until a restart.
func (m *Metrics) MessageStuck() { m.stuck.Inc() }

// MessageReconsumed counts a message that was given back to the broker.
func (m *Metrics) MessageReconsumed() { m.reconsumed.Inc() }

// MessagesReleased counts messages that another consumer of the group reads now.
func (m *Metrics) MessagesReleased(n int) { m.released.Add(float64(n)) }

// OffsetJumped counts a position that moved without reading, and what was lost by it.
func (m *Metrics) OffsetJumped(jump source.OffsetJump) {
	if jump.To < jump.From {
		m.backward.Inc()
		return
	}
	m.forward.Inc()
	if jump.From >= 0 {
		m.expired.Add(float64(jump.To - jump.From))
	}
}

// ConnectFailed counts a connection that failed.
func (m *Metrics) ConnectFailed() { m.restarts.Inc() }
