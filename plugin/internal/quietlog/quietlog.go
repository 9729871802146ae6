// Package quietlog owns the logging of what could go wrong with every request: one bad gateway would fill a disk otherwise.
package quietlog

import (
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// quietFor is how long one kind of failure is silent after a line of it.
const quietFor = 10 * time.Second

// Line logs one kind of failure, at most once in ten seconds, and tells how many it kept back. It is safe for concurrent use.
type Line struct {
	log zerolog.Logger
	now func() time.Time

	mu   sync.Mutex
	next time.Time
	kept int
}

// New makes the line of one kind of failure.
func New(log zerolog.Logger, now func() time.Time) *Line { return &Line{log: log, now: now} }

// Error logs message with the error, or counts it.
func (l *Line) Error(err error, message string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if now.Before(l.next) {
		l.kept++
		return
	}
	l.log.Error().Err(err).Int("kept_back", l.kept).Msg(message)
	l.next, l.kept = now.Add(quietFor), 0
}
