package source

import (
	"fmt"
	"slices"
	"time"

	"gateway-billing.internal/consumer/internal/source/remoting"
)

// State is what is known of the source at a moment. Levels of the messages are exact, what a server said is as old as
// its last answer.
type State struct {
	// Reasons say why the source is not ready; empty means ready.
	Reasons []string
	// Connected: the client runs (it may still be waiting for a broker).
	Connected bool
	// Looked: the servers were asked at least once. NameServer: a name server answered at the last look, whether or not it
	// knows the topic; Absent: it does not.
	Looked, NameServer, Absent bool
	// Brokers are those of the topic, by name.
	Brokers []BrokerState
	// Queues are the queues that this process was assigned, by broker and number.
	Queues []QueueState

	// Held is how many messages are in memory between pull and verdict, HeldBytes the size of their bodies; Working of
	// them are in pulls whose turn has come, Stuck will not move before a restart.
	Held      int
	HeldBytes int64
	Working   int
	Stuck     int
}

// BrokerState is one broker. Up: it answered at the last look and lets us pull.
type BrokerState struct {
	Name string
	Up   bool
}

// QueueState is one assigned queue, as it was at the last look at which its broker answered.
type QueueState struct {
	Broker string
	Queue  int
	// Lag is how many messages wait in the broker or are held here.
	Lag int64
	// Kept is how many older messages the broker has before the first of these, negative for those that it deleted
	// before they were read.
	Kept int64
	// Asked is when that look was, Oldest when the broker stored the first of these messages; zero without one.
	Asked, Oldest time.Time
	// Stale: at the last look the broker did not answer.
	Stale bool
	// Retention is after how long the broker deletes a message, 0 where it does not say. A broker that runs out of disk
	// space deletes earlier.
	Retention time.Duration
}

// Age is how long the first message that is not acknowledged has been in the broker; 0 without one.
func (q QueueState) Age(now time.Time) time.Duration {
	if q.Oldest.IsZero() {
		return 0
	}
	if !q.Stale { // between two looks it may be gone
		now = q.Asked
	}
	return max(now.Sub(q.Oldest), 0)
}

// Ready reports whether the source reads, or would if there were messages.
func (s State) Ready() bool { return len(s.Reasons) == 0 }

// State returns a copy of the current state.
func (s *Source) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.state
	out.Reasons = slices.Clone(out.Reasons)
	out.Brokers = slices.Clone(out.Brokers)
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
	for i := range reasons {
		reasons[i] = s.options.hide(reasons[i])
	}
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

// surveyed takes over what the servers said and what the client has. Of a broker that does not answer, its last word stays.
func (s *Source) surveyed(found survey, owned map[remoting.Queue]ownedQueue) {
	s.looked(found)
	s.mu.Lock()
	before := s.state.Queues
	queues := make([]QueueState, 0, len(owned))
	for _, q := range found.route.Queues {
		own, ok := owned[q]
		if !ok {
			continue
		}
		if at, ok := found.queues[q]; ok {
			queues = append(queues, queueState(q, own, at))
		} else if i := slices.IndexFunc(before, func(b QueueState) bool { return b.Broker == q.Broker && b.Queue == q.ID }); i >= 0 {
			last := before[i]
			last.Stale = true
			queues = append(queues, last)
		}
	}
	s.state.Connected = true
	s.state.Queues = queues
	s.mu.Unlock()
	s.notReady(found.reasons()...)
}

// looked takes over which servers answered.
func (s *Source) looked(found survey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Looked = true
	s.state.NameServer = found.noRoute == nil || found.noRoute.answered
	s.state.Absent = found.noRoute != nil && found.noRoute.absent
	s.state.Brokers = nil
	for _, broker := range found.route.Brokers() {
		s.state.Brokers = append(s.state.Brokers, BrokerState{Name: broker, Up: found.troubles[broker] == ""})
	}
}

func queueState(q remoting.Queue, own ownedQueue, at queueOffsets) QueueState {
	position := own.committed
	if position < 0 { // nothing acked yet
		position = at.committed
	}
	if position < 0 { // nor ever by the group
		position = at.min
	}
	return QueueState{
		Broker: q.Broker, Queue: q.ID, Lag: max(at.max-position, 0), Kept: position - at.min,
		Asked: at.asked, Oldest: at.oldest, Retention: at.retention,
	}
}

func (s *Source) stopped() {
	s.mu.Lock()
	s.session = nil
	s.state.Connected = false
	s.state.Looked = false
	s.state.Brokers, s.state.Queues = nil, nil
	s.state.Reasons = []string{"stopped"}
	s.mu.Unlock()
}
