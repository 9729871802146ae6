package source

import (
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
	gone     bool
	// dropped is closed when the client is known to ignore the verdicts of these messages.
	dropped chan struct{}
}

func newHoldings(released func(int)) *holdings {
	return &holdings{
		seen:     map[*primitive.MessageQueue]*assignment{},
		current:  map[primitive.MessageQueue]*assignment{},
		released: released,
	}
}

// pulled is called with each pull that found messages, before any of them can enter.
func (h *holdings) pulled(queue *primitive.MessageQueue) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.seen[queue] == nil {
		h.seen[queue] = &assignment{queue: *queue, order: len(h.seen), dropped: make(chan struct{})}
	}
}

func (h *holdings) enter(queue *primitive.MessageQueue, bytes int) *assignment {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.messages++
	h.bytes += int64(bytes)
	a := h.seen[queue]
	if a == nil { // not pulled: an operator had the broker send this one message directly
		a = &assignment{dropped: make(chan struct{})}
	} else if cur := h.current[a.queue]; cur == nil || cur.order < a.order {
		h.retire(cur)
		h.current[a.queue] = a
	} else if cur != a {
		h.retire(a)
	}
	a.messages++
	return a
}

func (h *holdings) leave(a *assignment, bytes int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.messages--
	h.bytes -= int64(bytes)
	a.messages--
}

// retireAbsent releases the assignments that are not in the client's table, and returns the table.
func (h *holdings) retireAbsent(table func() map[primitive.MessageQueue]ownedQueue) map[primitive.MessageQueue]ownedQueue {
	h.mu.Lock()
	listed := make([]*assignment, 0, len(h.current))
	for _, a := range h.current {
		listed = append(listed, a)
	}
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
	if a == nil || a.gone {
		return
	}
	a.gone = true
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
