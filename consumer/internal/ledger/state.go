package ledger

import (
	"sync"
	"time"
)

// State says how the ledger's last attempts went.
type State struct {
	// Ready is false while a transaction is held because it can't be committed.
	Ready bool
	// Err is what holds it, nil while Ready.
	Err error
	// Fault classes Err: "outage", "setup", "connection_lost" or "contention".
	Fault string
	// Since is when Ready last changed.
	Since time.Time
}

// Observer is told what happens, for metrics. Its methods are called by several goroutines.
type Observer interface {
	// Committed tells of a transaction: its records and rejects, and how long it took from its first attempt.
	Committed(rows int, took time.Duration)
	// Retried tells of a failed attempt, with the fault as in State, or "statement" for one that is halved.
	Retried(fault string)
}

type noObserver struct{}

func (noObserver) Committed(int, time.Duration) {}
func (noObserver) Retried(string)               {}

// condition keeps the State. Several transactions may be held at once; the first that succeeds makes it ready again.
type condition struct {
	mu    sync.Mutex
	state State
}

// hold notes a failed attempt, and says whether the state was ready until now.
func (c *condition) hold(f fault, err error) (changed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	changed = c.state.Ready
	if changed {
		c.state.Since = time.Now()
	}
	c.state.Ready, c.state.Err, c.state.Fault = false, err, string(f)
	return changed
}

// ready notes a success, and returns how long the state was held before it, 0 when it was not.
func (c *condition) ready() (held time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.state.Ready {
		now := time.Now()
		held = now.Sub(c.state.Since)
		c.state = State{Ready: true, Since: now}
	}
	return held
}

func (c *condition) get() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}
