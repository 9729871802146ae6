package source

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
)

// Never more bytes at once than the budget has, a message that is larger goes alone, everybody gets in, and who gives up
// waiting holds nobody up.
func TestBudget(t *testing.T) {
	const size = 1000
	b := newBudget(size)
	var working sync.WaitGroup
	var inside, most atomic.Int64
	for i := range 400 {
		working.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(i)))
			bytes := random.IntN(400)
			if i%50 == 0 {
				bytes = 5 * size
			}
			c := b.ask(bytes)
			if i%3 == 0 {
				select {
				case <-c.ready:
				default:
					b.release(c)
					return
				}
			}
			<-c.ready
			now := inside.Add(int64(min(bytes, size)))
			for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
			}
			inside.Add(-int64(min(bytes, size)))
			b.release(c)
		})
	}
	working.Wait()
	if most.Load() > size || b.taken != 0 || len(b.queue) != 0 {
		t.Errorf("%d bytes at once of %d, %d taken and %d waiting in the end", most.Load(), size, b.taken, len(b.queue))
	}
}
