package source

import "sync"

// gate lets pulls on to the handler until it is closed, and tells when the last one has left. It counts their messages.
type gate struct {
	mu      sync.Mutex
	working int
	closed  bool
	// closing is closed by close, idle when the gate is closed and nobody is inside.
	closing chan struct{}
	idle    chan struct{}
}

func newGate() *gate { return &gate{closing: make(chan struct{}), idle: make(chan struct{})} }

func (g *gate) enter(messages int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.working += messages
	return true
}

func (g *gate) leave(messages int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.working -= messages
	if g.closed && g.working == 0 {
		close(g.idle)
	}
}

// close lets nobody in any more.
func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return
	}
	g.closed = true
	close(g.closing)
	if g.working == 0 {
		close(g.idle)
	}
}

func (g *gate) inside() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.working
}
