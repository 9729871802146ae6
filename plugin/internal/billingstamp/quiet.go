package billingstamp

import (
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// quietFor is how long one kind of failure is silent after a line of it: one bad gateway would fill a disk otherwise.
const quietFor = 10 * time.Second

// quiet logs one kind of failure, at most once in quietFor, and tells how many it kept back.
type quiet struct {
	log zerolog.Logger
	now func() time.Time

	mu   sync.Mutex
	next time.Time
	kept int
}

// error logs message with the error, or counts it.
func (q *quiet) error(err error, message string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.now()
	if now.Before(q.next) {
		q.kept++
		return
	}
	q.log.Error().Err(err).Int("kept_back", q.kept).Msg(message)
	q.next, q.kept = now.Add(quietFor), 0
}
