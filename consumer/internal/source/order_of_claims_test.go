package source

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/apache/rocketmq-client-go/v2/primitive"
)

// Who waits for places has no memory yet: two that each had what the other waits for would wait for ever, and every queue
// behind them.
func TestPlacesComeBeforeMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := &session{
			handler: func(_ context.Context, m []Message) []error { return make([]error, len(m)) },
			places:  newBudget(1), memory: newBudget(10), work: t.Context(),
		}
		taken := x.places.ask(1)
		recorded := false
		go func() {
			queue := &primitive.MessageQueue{}
			msg := &primitive.MessageExt{Message: primitive.Message{Queue: queue, Body: make([]byte, 8)}}
			_, recorded = x.recordPart(newAssignment(*queue), []*primitive.MessageExt{msg}, func() {})
		}()
		synctest.Wait()
		if x.memory.taken != 0 {
			t.Errorf("%d bytes are taken by who waits for a place", x.memory.taken)
		}
		x.places.release(taken)
		synctest.Wait()
		if !recorded || x.places.taken != 0 || x.memory.taken != 0 {
			t.Errorf("recorded %v, %d places and %d bytes left taken", recorded, x.places.taken, x.memory.taken)
		}
	})
}
