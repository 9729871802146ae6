package source

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/rs/zerolog"
)

// Panic is the error of a message whose handler panicked.
type Panic struct {
	value any
	stack []byte
}

// Recovered makes an error of what recover returned. It is called where that was.
func Recovered(value any) *Panic { return &Panic{value, debug.Stack()} }

// Error names the panic's type. Only the runtime's own errors are spelled out: other panic values may carry what was being
// worked on.
func (p *Panic) Error() string {
	if err, ok := p.value.(runtime.Error); ok {
		return fmt.Sprintf("panic (%T): %s", p.value, cut(err.Error()))
	}
	return fmt.Sprintf("panic (%T)", p.value)
}

// where adds where a panic was to a line about its error.
func where(err error) func(*zerolog.Event) {
	return func(event *zerolog.Event) {
		if p, ok := errors.AsType[*Panic](err); ok {
			event.Bytes("stack", p.stack)
		}
	}
}
