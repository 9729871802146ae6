package source

import (
	"testing"

	"github.com/apache/rocketmq-client-go/v2/primitive"
)

func isDropped(a *assignment) bool {
	select {
	case <-a.dropped:
		return true
	default:
		return false
	}
}

func TestHoldings(t *testing.T) {
	message := func(queue *primitive.MessageQueue) *primitive.MessageExt {
		return &primitive.MessageExt{Message: primitive.Message{Queue: queue}}
	}
	enter := func(h *holdings, queue *primitive.MessageQueue, bytes int) *assignment {
		a, _ := h.enter([]*primitive.MessageExt{message(queue)}, bytes)
		return a
	}
	queue := func() *primitive.MessageQueue {
		return &primitive.MessageQueue{Topic: "t", BrokerName: "b", QueueId: 1}
	}
	released := 0
	fresh := func() *holdings {
		released = 0
		return newHoldings(func(n int) { released += n })
	}

	t.Run("a later assignment of the queue releases the earlier", func(t *testing.T) {
		h, one, two := fresh(), queue(), queue()
		h.pulled(one, nil)
		a := enter(h, one, 10)
		enter(h, one, 10)
		h.pulled(two, nil)
		if isDropped(a) {
			t.Error("dropped before the later one handed over a message")
		}
		b := enter(h, two, 10)
		if !isDropped(a) || isDropped(b) || released != 2 {
			t.Errorf("earlier dropped %t, later dropped %t, %d released", isDropped(a), isDropped(b), released)
		}
	})
	t.Run("a late callback of the earlier does not release the later", func(t *testing.T) {
		h, one, two := fresh(), queue(), queue()
		h.pulled(one, nil)
		h.pulled(two, nil)
		b := enter(h, two, 10)
		a := enter(h, one, 10)
		if !isDropped(a) || isDropped(b) {
			t.Errorf("earlier dropped %t, later dropped %t", isDropped(a), isDropped(b))
		}
	})
	t.Run("a queue that went away is released", func(t *testing.T) {
		h, one := fresh(), queue()
		h.pulled(one, nil)
		a := enter(h, one, 10)
		h.retireAbsent(func() map[primitive.MessageQueue]ownedQueue {
			return map[primitive.MessageQueue]ownedQueue{*one: {}}
		})
		if isDropped(a) {
			t.Error("dropped while it is in the table")
		}
		h.retireAbsent(func() map[primitive.MessageQueue]ownedQueue { return nil })
		if !isDropped(a) || released != 1 {
			t.Errorf("dropped %t, %d released", isDropped(a), released)
		}
	})
	t.Run("a message sent by an operator belongs to no assignment", func(t *testing.T) {
		h, one := fresh(), queue()
		h.pulled(one, nil)
		a := enter(h, one, 10)
		direct := enter(h, &primitive.MessageQueue{QueueId: 1}, 10)
		enter(h, &primitive.MessageQueue{QueueId: 1}, 10)
		h.retireAbsent(func() map[primitive.MessageQueue]ownedQueue {
			return map[primitive.MessageQueue]ownedQueue{*one: {}}
		})
		if isDropped(a) || isDropped(direct) {
			t.Error("dropped")
		}
	})
	t.Run("pulls take their turns in their order, however they enter", func(t *testing.T) {
		h, q := fresh(), queue()
		pulls := [][]*primitive.MessageExt{{message(q), message(q)}, {message(q)}, {message(q), message(q), message(q)}}
		for _, pull := range pulls {
			h.pulled(q, pull)
		}
		_, third := h.enter(pulls[2], 1)
		_, second := h.enter(pulls[1], 1)
		a, first := h.enter(pulls[0], 1)
		if a.messages != 6 {
			t.Errorf("%d messages", a.messages)
		}
		isOpen := func(c <-chan struct{}) bool {
			select {
			case <-c:
				return true
			default:
				return false
			}
		}
		if !isOpen(first.before) || isOpen(second.before) || isOpen(third.before) {
			t.Error("not the first one's turn")
		}
		close(first.gone)
		if !isOpen(second.before) || isOpen(third.before) {
			t.Error("not the second one's turn")
		}
		close(second.gone)
		if !isOpen(third.before) {
			t.Error("not the third one's turn")
		}
	})
	t.Run("totals", func(t *testing.T) {
		h, one := fresh(), queue()
		h.pulled(one, nil)
		a := enter(h, one, 10)
		enter(h, one, 5)
		h.leave(a, 1, 10)
		if n, bytes := h.totals(); n != 1 || bytes != 5 {
			t.Errorf("%d messages, %d bytes", n, bytes)
		}
	})
}
