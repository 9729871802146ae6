package source

import "sync"

// budget bounds what the handler works on at once, in messages or in bytes: what it makes of a message takes several times
// the memory of its body. What is larger than all of it goes alone.
type budget struct {
	mu    sync.Mutex
	size  int64
	taken int64
	queue []*claim
}

// claim is a part of a budget. ready is closed when it has it.
type claim struct {
	size  int64
	ready chan struct{}
}

func newBudget(size int64) *budget { return &budget{size: size} }

// ask stands in line for a part of the budget; release must be called, also where it was not waited for.
func (b *budget) ask(size int) *claim {
	c := &claim{size: min(int64(size), b.size), ready: over}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) == 0 && b.taken+c.size <= b.size {
		b.taken += c.size
		return c
	}
	c.ready = make(chan struct{})
	b.queue = append(b.queue, c)
	return c
}

// release gives the claim's part back, or takes it out of the line, and lets those in who fit now.
func (b *budget) release(c *claim) {
	b.mu.Lock()
	defer b.mu.Unlock()
	waiting := false
	for i, other := range b.queue {
		if other == c {
			b.queue = append(b.queue[:i], b.queue[i+1:]...)
			waiting = true
			break
		}
	}
	if !waiting {
		b.taken -= c.size
	}
	for len(b.queue) > 0 && b.taken+b.queue[0].size <= b.size {
		first := b.queue[0]
		b.queue = b.queue[1:]
		b.taken += first.size
		close(first.ready)
	}
}
