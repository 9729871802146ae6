package pipeline

import (
	"runtime"
	"sync"

	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/consumer/internal/source"
)

// workers derive units on a few goroutines that live long. Each pull has a goroutine of its own, and many of them wait at
// once: what derives on one of these grows its stack anew each time, and holds what it made while others still make
// theirs. A worker's stack has grown already, and there are no more of them than processors.
type workers struct {
	deriver *Deriver
	jobs    chan *job
	quit    chan struct{}
	running sync.WaitGroup
}

// job are messages on their way through a worker and back.
type job struct {
	messages []source.Message
	// units are those of the messages without a panic.
	units []record.Unit
	// panics are the panics outside any entry, by message.
	panics []error
	done   chan struct{}
}

func startWorkers(d *Deriver) *workers {
	w := &workers{deriver: d, jobs: make(chan *job), quit: make(chan struct{})}
	for range runtime.GOMAXPROCS(0) {
		w.running.Go(w.run)
	}
	return w
}

func (w *workers) run() {
	for {
		select {
		case j := <-w.jobs:
			j.derive(w.deriver)
			close(j.done)
		case <-w.quit:
			return
		}
	}
}

func (j *job) derive(d *Deriver) {
	j.units = make([]record.Unit, 0, len(j.messages))
	j.panics = make([]error, len(j.messages))
	for i := range j.messages {
		j.panics[i] = j.deriveOne(d, &j.messages[i])
	}
}

func (j *job) deriveOne(d *Deriver, m *source.Message) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = source.Recovered(value)
		}
	}()
	j.units = append(j.units, d.Unit(m.Origin, m.Body))
	return nil
}

// units are what the messages become, but of those that panic: panics has an error in their places and nil in the others'.
func (w *workers) units(messages []source.Message) (units []record.Unit, panics []error) {
	j := &job{messages: messages, done: make(chan struct{})}
	select {
	case w.jobs <- j:
		<-j.done
	case <-w.quit: // messages that come behind the end still get their units
		j.derive(w.deriver)
	}
	return j.units, j.panics
}

// stop ends the workers.
func (w *workers) stop() {
	close(w.quit)
	w.running.Wait()
}
