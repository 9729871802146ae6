package ledger

import "sync/atomic"

// remembered is for how many transactions one that met rows is remembered.
const remembered = 64

// expectation says whether the next transaction is likely to bring records that are there already. Copies come in
// company: a message is delivered again with those around it, and a replay brings nothing else. A transaction that
// expects some looks before it inserts, which costs one statement; one that does not expect any, and meets some, is as
// right, only slower.
type expectation struct{ left atomic.Int64 }

// learn notes whether a transaction met rows.
func (e *expectation) learn(met bool) {
	switch left := e.left.Load(); {
	case met && left >= 0:
		e.left.Store(max(left, remembered))
	case left > 0:
		e.left.Add(-1)
	}
}

func (e *expectation) repeats() bool { return e.left.Load() > 0 }
