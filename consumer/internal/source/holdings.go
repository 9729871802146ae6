package source

import (
	"maps"
	"slices"
	"sync"

	"github.com/apache/rocketmq-client-go/v2/primitive"
)

// holdings are the messages inside callbacks, by the assignment of a queue that they came with.
//
// When the group is balanced anew, the client drops a queue and may get it again later, and then reads its messages a
// second time. The callbacks of the first time are not told. If they stayed blocked through an outage, each balancing
// would add one more copy of the buffer. So they are found and released, but only where it is certain that the client
// ignores their verdict, because RetryLater for a queue that is not dropped would spend a redelivery:
//
//   - The client gives each assignment of a queue a *primitive.MessageQueue of its own and drops an assignment before
//     it makes the next. An assignment that ever hands over a message is first seen (pulled) while it is not dropped.
//     So of two assignments with messages, the one that was seen first is dropped.
//   - An assignment that was listed before the client's table was read and is not in the table was dropped.
type holdings struct {
	mu sync.Mutex
	// seen are all assignments in the order of their first pull. Entries stay, so that no pointer is used again.
	seen     map[*primitive.MessageQueue]*assignment
	current  map[primitive.MessageQueue]*assignment
	messages int
	bytes    int64
	// released is told how many messages a dropped assignment held.
	released func(messages int)
}

// assignment is one queue as this process got it once.
type assignment struct {
	queue    primitive.MessageQueue
	order    int
	messages int
	// waiting of the messages are held: the handler will not get them any more.
	waiting int
	// acked is behind the last offset that was acknowledged, 0 before the first.
	acked int64
	gone  bool
	// dropped is closed when the client is known to ignore the verdicts of these messages.
	dropped chan struct{}
	// turns are of the pulls that did not enter yet, by their first message; lastTurn is the latest one's.
	turns    map[*primitive.MessageExt]turn
	lastTurn turn
}

// turn keeps the pulls of a queue in order on their way to the handler, while their callbacks start in any order: a
// pull may go when the one before it went. So what the handler got is always the beginning of the queue, and a drain
// leaves no held message in front of recorded ones, which would be read again with it.
type turn struct {
	before <-chan struct{} // closed when the pull before went
	gone   chan struct{}   // to be closed when this one goes
}

// over is the turn of what was never in front.
var over = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

func newHoldings(released func(int)) *holdings {
	return &holdings{
		seen:     map[*primitive.MessageQueue]*assignment{},
		current:  map[primitive.MessageQueue]*assignment{},
		released: released,
	}
}

// pulled is called with the messages of each pull, in order, before any of them can enter.
func (h *holdings) pulled(queue *primitive.MessageQueue, msgs []*primitive.MessageExt) {
	h.mu.Lock()
	defer h.mu.Unlock()
	a := h.seen[queue]
	if a == nil {
		a = newAssignment(*queue)
		a.order = len(h.seen)
		h.seen[queue] = a
	}
	if a.gone || len(msgs) == 0 {
		return
	}
	a.lastTurn = turn{before: a.lastTurn.gone, gone: make(chan struct{})}
	a.turns[msgs[0]] = a.lastTurn
}

func newAssignment(queue primitive.MessageQueue) *assignment {
	return &assignment{
		queue:    queue,
		dropped:  make(chan struct{}),
		turns:    map[*primitive.MessageExt]turn{},
		lastTurn: turn{gone: over},
	}
}

// enter is called first in the callback of a pull, leave last.
func (h *holdings) enter(msgs []*primitive.MessageExt, bytes int) (*assignment, turn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.messages += len(msgs)
	h.bytes += int64(bytes)
	msg := msgs[0]
	a := h.seen[msg.Queue]
	if a == nil { // not pulled: an operator had the broker send this one message directly
		a = newAssignment(*msg.Queue)
	} else if cur := h.current[a.queue]; cur == nil || cur.order < a.order {
		h.current[a.queue] = a
		for _, other := range h.seen {
			if other.queue == a.queue && other.order < a.order {
				h.retire(other)
			}
		}
	} else if cur != a {
		h.retire(a)
	}
	a.messages += len(msgs)
	t, ok := a.turns[msg]
	delete(a.turns, msg)
	if !ok {
		t = turn{before: over, gone: make(chan struct{})}
	}
	return a, t
}

func (h *holdings) leave(a *assignment, messages, bytes int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.messages -= messages
	h.bytes -= int64(bytes)
	a.messages -= messages
}

// wait notes that so many of the messages are held, ack that they are acknowledged up to an offset. Both come before leave.
func (h *holdings) wait(a *assignment, messages int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	a.waiting += messages
}

func (h *holdings) ack(a *assignment, offset int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	a.acked = max(a.acked, offset+1)
}

// settled reports whether the client has noted the verdict of every message in the table that is not held.
func (h *holdings) settled(table map[primitive.MessageQueue]ownedQueue) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for mq, owned := range table {
		a := h.current[mq]
		if a == nil {
			a = &assignment{}
		}
		position := a.acked
		if owned.buffered > 0 {
			position = owned.first
		}
		if owned.buffered != a.waiting || (a.acked > 0 && owned.committed < position) {
			return false
		}
	}
	return true
}

// retireAbsent releases the assignments that are not in the client's table, and returns the table.
func (h *holdings) retireAbsent(table func() map[primitive.MessageQueue]ownedQueue) map[primitive.MessageQueue]ownedQueue {
	h.mu.Lock()
	listed := slices.Collect(maps.Values(h.seen))
	h.mu.Unlock()

	owned := table()

	h.mu.Lock()
	defer h.mu.Unlock()
	for _, a := range listed {
		if _, ok := owned[a.queue]; !ok {
			h.retire(a)
		}
	}
	return owned
}

func (h *holdings) retire(a *assignment) {
	if a.gone {
		return
	}
	a.gone = true
	a.turns = nil
	close(a.dropped)
	if a.messages > 0 {
		h.released(a.messages)
	}
}

func (h *holdings) totals() (messages int, bytes int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.messages, h.bytes
}
