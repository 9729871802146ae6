package source

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

// memory is a handler that records in memory. While hold is set it blocks as a pipeline without a database would.
type memory struct {
	mu       sync.Mutex
	messages map[string][]Message // by body
	hold     chan struct{}
	entered  map[string]int
}

func newMemory() *memory { return &memory{messages: map[string][]Message{}, entered: map[string]int{}} }

// away makes the handler block until the returned function is called.
func (m *memory) away() (back func()) {
	hold := make(chan struct{})
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hold = hold
	return sync.OnceFunc(func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.hold = nil
		close(hold)
	})
}

func (m *memory) handle(ctx context.Context, msg Message) error {
	m.mu.Lock()
	hold := m.hold
	m.entered[string(msg.Body)]++
	m.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.messages[string(msg.Body)] = append(m.messages[string(msg.Body)], msg)
	return nil
}

func (m *memory) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.messages)
}

// check wants each of the bodies 0..n-1 exactly once, never redelivered by the broker.
func (m *memory) check(t *testing.T, n int) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range n {
		switch got := m.messages[body(i)]; {
		case len(got) == 0:
			t.Errorf("%s was lost", body(i))
		case len(got) > 1:
			for _, msg := range got {
				t.Errorf("%s was recorded %d times: queue %d, offset %d", body(i), len(got), msg.Queue, msg.Offset)
			}
		case got[0].Reconsumed > 0:
			t.Errorf("%s spent %d redeliveries", body(i), got[0].Reconsumed)
		}
	}
	if len(m.messages) != n {
		t.Errorf("recorded %d different messages, sent %d", len(m.messages), n)
	}
}

func body(i int) string { return fmt.Sprintf("message-%d", i) }

// events is an observer that remembers.
type events struct {
	mu                                                   sync.Mutex
	received, acked, stuck, released, failed, reconsumed int
	jumps                                                []OffsetJump
}

func (e *events) do(f func()) { e.mu.Lock(); defer e.mu.Unlock(); f() }

func (e *events) MessageReceived(int)       { e.do(func() { e.received++ }) }
func (e *events) MessageAcked()             { e.do(func() { e.acked++ }) }
func (e *events) MessageStuck()             { e.do(func() { e.stuck++ }) }
func (e *events) MessageReconsumed()        { e.do(func() { e.reconsumed++ }) }
func (e *events) MessagesReleased(n int)    { e.do(func() { e.released += n }) }
func (e *events) OffsetJumped(j OffsetJump) { e.do(func() { e.jumps = append(e.jumps, j) }) }
func (e *events) ConnectFailed()            { e.do(func() { e.failed++ }) }

func (e *events) get(f func(*events) int) func() int {
	return func() int { e.mu.Lock(); defer e.mu.Unlock(); return f(e) }
}

// running is a source that runs until stop is called or the test ends.
type running struct {
	*Source
	events *events
	stop   func()
}

// single makes a handler of one that takes the messages of a pull one by one, all at once.
func single(h func(context.Context, Message) error) Handler {
	return func(ctx context.Context, messages []Message) []error {
		errs := make([]error, len(messages))
		var wg sync.WaitGroup
		for i, m := range messages {
			wg.Go(func() {
				defer func() {
					if value := recover(); value != nil {
						errs[i] = Recovered(value)
					}
				}()
				errs[i] = h(ctx, m)
			})
		}
		wg.Wait()
		return errs
	}
}

func run(t *testing.T, o Options, h func(context.Context, Message) error) *running {
	t.Helper()
	if o.StateInterval == 0 {
		o.StateInterval = 200 * time.Millisecond
	}
	r := &running{events: &events{}}
	var err error
	if r.Source, err = New(o, single(h), testLog(t), r.events); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := r.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	}()
	r.stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(r.stop)
	return r
}

// eventually waits for a condition and fails with what was last seen.
func eventually(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

func testLog(t *testing.T) zerolog.Logger {
	return zerolog.New(zerolog.NewTestWriter(t)).Level(zerolog.InfoLevel).With().Timestamp().Logger()
}
