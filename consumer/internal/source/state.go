package source

import (
	"fmt"
	"slices"

	"gateway-billing.internal/consumer/internal/source/remoting"
)

// State is what is known of the source at a moment. Levels of the messages are exact, what a server said is as old as
// its last answer.
type State struct {
	// Reasons say why the source is not ready; empty means ready.
	Reasons []string
	// Connected: the client runs (it may still be waiting for a broker).
	Connected bool
	// Queues are the queues that this process was assigned, by broker and number.
	Queues []QueueState

	// Held is how many messages are in memory between pull and verdict, HeldBytes the size of their bodies; Working of
	// them are with the handler now, Stuck will not move before a restart.
	Held      int
	HeldBytes int64
	Working   int
	Stuck     int
}

// QueueState is one assigned queue.
type QueueState struct {
	Broker string
	Queue  int
	// Lag is how many messages wait in the broker or are held here.
	Lag int64
}

// Ready reports whether the source reads, or would if there were messages.
func (s State) Ready() bool { return len(s.Reasons) == 0 }

// State returns a copy of the current state.
func (s *Source) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.state
	out.Reasons = slices.Clone(out.Reasons)
	out.Queues = slices.Clone(out.Queues)
	if s.session != nil {
		out.Held, out.HeldBytes = s.session.holdings.totals()
		out.Working = s.session.gate.inside()
		out.Stuck = int(s.session.stuck.Load())
	}
	if out.Stuck > 0 {
		out.Reasons = append(out.Reasons, fmt.Sprintf("%d messages are stuck in the handler until a restart", out.Stuck))
	}
	return out
}

// notReady sets the reasons and logs them when they changed.
func (s *Source) notReady(reasons ...string) {
	s.mu.Lock()
	before := s.state.Reasons
	s.state.Reasons = reasons
	s.mu.Unlock()
	switch {
	case slices.Equal(before, reasons):
	case len(reasons) == 0:
		s.log.Info().Msg("ready: reading messages")
	default:
		s.log.Warn().Strs("reasons", reasons).Msg("not ready")
	}
}

// surveyed takes over what the servers said and what the client has.
func (s *Source) surveyed(found survey, owned map[remoting.Queue]ownedQueue) {
	queues := make([]QueueState, 0, len(owned))
	for _, q := range found.route.Queues {
		if own, ok := owned[q]; ok {
			queues = append(queues, queueState(q, own, found.queues[q]))
		}
	}
	s.mu.Lock()
	s.state.Connected = true
	s.state.Queues = queues
	s.mu.Unlock()
	s.notReady(found.reasons()...)
}

func queueState(q remoting.Queue, own ownedQueue, at queueOffsets) QueueState {
	position := own.committed
	if position < 0 { // nothing acked yet
		position = at.committed
	}
	if position < 0 { // nor ever by the group
		position = at.min
	}
	return QueueState{Broker: q.Broker, Queue: q.ID, Lag: max(at.max-position, 0)}
}

func (s *Source) stopped() {
	s.mu.Lock()
	s.session = nil
	s.state.Connected = false
	s.state.Queues = nil
	s.state.Reasons = []string{"stopped"}
	s.mu.Unlock()
}
