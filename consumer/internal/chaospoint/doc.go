// Package chaospoint names the places of the flow at which the chaos suite ends the process. Without the build tag
// chaos, Reach is empty and costs nothing; a binary for production has no way to be killed by it.
package chaospoint

// Point is a place of the flow. Its value is what PointEnv names it by.
type Point string

// The points, in the order of the flow.
const (
	// AfterDecode: a message has become records and rejects, and nothing of it is on its way to the database.
	AfterDecode Point = "after-decode"
	// BeforeCommit: all statements of a transaction were answered, and its commit was not sent.
	BeforeCommit Point = "before-commit"
	// BeforeAck: a message is committed, and its verdict not given.
	BeforeAck Point = "before-ack"
	// Drain: a stopping consumer has finished its work, and its offsets are not committed.
	Drain Point = "drain"
)

// PointEnv holds `point:n`: the process kills itself at the n-th pass of that point (from 1). Only under the tag chaos.
const PointEnv = "CHAOS_POINT"
