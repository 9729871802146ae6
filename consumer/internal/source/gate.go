package source

import "sync"

// gate lets messages into the handler until it is closed, and tells when the last one has left.
type gate struct {
	mu      sync.Mutex
	working int
	closed  bool
	// closing is closed by close, idle when the gate is closed and nobody is inside.
	closing chan struct{}
	idle    chan struct{}
}

func newGate() *gate { return &gate{closing: make(chan struct{}), idle: make(chan struct{})} }

func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.working++
	return true
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.working--
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
