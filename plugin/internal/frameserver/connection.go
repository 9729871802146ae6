package frameserver

import (
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/apache/apisix-go-plugin-runner/inside"
)

// connection is one connection of the gateway.
type connection struct {
	server *Server
	frames *frames

	mu      sync.Mutex
	busy    bool // a frame has begun and is not answered
	closing bool
}

// serve answers frame after frame until the connection ends.
func (c *connection) serve() {
	for {
		if err := c.frames.await(); err != nil {
			return // between two frames an end is no failure
		}
		if !c.begin() {
			return
		}
		ok := c.answer()
		if !c.finish() || !ok {
			return
		}
	}
}

// answer reads one frame and answers it, and reports whether the connection can be used on. A panic is the end of it: how
// much of the gateway's answers was read is not known.
func (c *connection) answer() (ok bool) {
	s := c.server
	defer func() {
		if cause := recover(); cause != nil {
			s.Metrics.Failures.WithLabelValues("panic").Inc()
			s.panicked.Error(fmt.Errorf("%v\n%s", cause, debug.Stack()), "panic: a connection of the gateway is given up")
			ok = false
		}
	}()
	kind, payload, err := c.frames.next()
	if err != nil {
		s.Metrics.Failures.WithLabelValues("cut").Inc()
		s.cut.Error(err, "a frame did not come whole")
		return false
	}
	start := time.Now()
	s.Metrics.Calls.WithLabelValues(kindName(kind)).Inc()
	answer := s.Handle(kind, payload, c.frames)
	defer answer.Release()
	if answer.Err != nil {
		c.count(answer.Err)
	}
	if err := c.frames.send(answer.Kind, answer.Payload()); err != nil {
		s.Metrics.Failures.WithLabelValues("write").Inc()
		s.failed.Error(err, "an answer could not be sent")
		return false
	}
	if answer.Kind == inside.RequestCall {
		s.Metrics.CallSeconds.Observe(time.Since(start).Seconds())
	}
	return !c.frames.broken
}

func (c *connection) count(err error) {
	reason := "answer"
	if errors.Is(err, inside.ErrUnknownConf) {
		reason = "conf_unknown" // the gateway sends it anew: the usual case behind a restart
	} else {
		c.server.failed.Error(err, "a frame was answered with an error")
	}
	c.server.Metrics.Failures.WithLabelValues(reason).Inc()
}

// begin says that a frame has begun, unless the connection is to end.
func (c *connection) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy = !c.closing
	return c.busy
}

// finish says that the frame is answered, and reports whether another may come.
func (c *connection) finish() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy = false
	return !c.closing
}

// end closes the connection, at once where no frame is under way.
func (c *connection) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closing = true
	if !c.busy {
		_ = c.frames.Close()
	}
}

func kindName(kind byte) string {
	switch kind {
	case inside.PrepareConf:
		return "conf"
	case inside.RequestCall:
		return "request"
	case inside.AnswerCall:
		return "response"
	}
	return "other"
}
