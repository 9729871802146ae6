package replay

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

// How often progress is shown: on a terminal as one line that changes, else as lines.
const (
	terminalInterval = 200 * time.Millisecond
	linesInterval    = 10 * time.Second
)

// Progress shows how far a replay is.
type Progress struct {
	w        io.Writer
	terminal bool
	line     func() string

	mu    sync.Mutex
	shown bool
}

// NewProgress makes a progress that shows what line says.
func NewProgress(w io.Writer, terminal bool, line func() string) *Progress {
	return &Progress{w: w, terminal: terminal, line: line}
}

// Show shows the progress until ctx ends.
func (p *Progress) Show(ctx context.Context) {
	interval := linesInterval
	if p.terminal {
		interval = terminalInterval
	}
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			p.Say("")
			return
		case <-ticker.C:
		}
		line := p.line()
		p.mu.Lock()
		if p.terminal {
			fmt.Fprintf(p.w, "\r\x1b[K%s", line)
			p.shown = true
		} else {
			fmt.Fprintln(p.w, line)
		}
		p.mu.Unlock()
	}
}

// Say writes a line that stays; an empty one only takes the changing line away.
func (p *Progress) Say(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
	if line != "" {
		fmt.Fprintln(p.w, line)
	}
}

// Line is the usual text of a progress.
func Line(t Totals, input Input, since time.Time, before int64) string {
	place, part := input.Progress()
	text := fmt.Sprintf("%d messages, %d entries", t.Messages, t.Entries)
	if seconds := time.Since(since).Seconds(); seconds > 0 {
		text += fmt.Sprintf(", %.0f messages/s", float64(t.Messages-before)/seconds)
	}
	text += "; " + place
	if part >= 0 {
		text += fmt.Sprintf("; %.1f %%", 100*part)
	}
	return text
}
