package pipeline

import (
	"runtime"
	"sync"

	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/consumer/internal/source"
)

// workers derive units on a few goroutines that live long. Each message has a goroutine of its own, and many of them wait
// at once: what derives on one of these grows its stack anew each time, and holds what it made while others still make
// theirs. A worker's stack has grown already, and there are no more of them than processors.
type workers struct {
	deriver *Deriver
	jobs    chan *job
	quit    chan struct{}
	running sync.WaitGroup
}

// job is one message on its way through a worker and back.
type job struct {
	message source.Message
	unit    record.Unit
	// panicked is the value of a panic outside any entry; nil without one.
	panicked any
	done     chan struct{}
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
			j.done <- struct{}{}
		case <-w.quit:
			return
		}
	}
}

func (j *job) derive(d *Deriver) {
	defer func() { j.panicked = recover() }()
	j.unit = d.Unit(j.message.Origin, j.message.Body)
}

// unit is what the message becomes. A panic is the caller's, as if it had derived the message itself.
func (w *workers) unit(m source.Message) record.Unit {
	j := jobs.Get().(*job)
	j.message = m
	select {
	case w.jobs <- j:
		<-j.done
	case <-w.quit: // a message that comes behind the end still gets its unit
		j.derive(w.deriver)
	}
	unit, panicked := j.unit, j.panicked
	*j = job{done: j.done}
	jobs.Put(j)
	if panicked != nil {
		panic(panicked)
	}
	return unit
}

var jobs = sync.Pool{New: func() any { return &job{done: make(chan struct{}, 1)} }}

// stop ends the workers.
func (w *workers) stop() {
	close(w.quit)
	w.running.Wait()
}
