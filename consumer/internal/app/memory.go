package app

import (
	"os"
	"runtime/debug"
)

// gcPercent lets the garbage grow to two and a half times what is in use before it is collected: what is in use is bounded, and
// the stacks of many waiting goroutines make a collection dear. Near the limit it is collected earlier.
const gcPercent = 250

// limitMemory keeps the process's memory under a limit by collecting garbage earlier near to it, unless the environment
// says how that is to be done.
func limitMemory(mib int) {
	if os.Getenv("GOMEMLIMIT") == "" {
		// What the runtime itself does not count, such as the binary's own pages, is a tenth.
		debug.SetMemoryLimit(int64(mib) << 20 * 9 / 10)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}
