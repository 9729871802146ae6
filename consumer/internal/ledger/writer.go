package ledger

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"gateway-billing.internal/consumer/internal/record"
)

// closeGrace is what Close needs behind its context for goroutines that only have to notice that it is over.
const closeGrace = 200 * time.Millisecond

// ErrClosed is a Commit after Close, or one that Close did not wait for.
var ErrClosed = errors.New("ledger: the writer is closed")

// Writer commits the units of many callers in few transactions. It is safe for concurrent use.
type Writer struct {
	store   *Store
	waiting chan *waiter
	// gathering lets one goroutine at a time gather, so that what trickles in forms one batch and not several.
	gathering sync.Mutex
	inFlight  atomic.Int64
	// landed gets a token when a transaction ends: who gathers need not linger on.
	landed chan struct{}

	mu      sync.RWMutex // orders the entry of a Commit before the wait of Close
	closed  bool
	callers sync.WaitGroup

	ctx     context.Context // ends the goroutines
	cancel  context.CancelFunc
	stopped sync.WaitGroup
}

// waiter is one caller of CommitAll.
type waiter struct {
	items []*item
	bytes int
	err   error
	done  chan struct{}
}

// NewWriter starts the store's writers. Close must be called.
func (s *Store) NewWriter() *Writer {
	w := &Writer{store: s, waiting: make(chan *waiter), landed: make(chan struct{}, 1)}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	for range s.options.Writers {
		w.stopped.Go(w.run)
	}
	return w
}

// Commit is CommitAll of one unit.
func (w *Writer) Commit(ctx context.Context, unit record.Unit) (Outcome, error) {
	outcomes, err := w.CommitAll(ctx, []record.Unit{unit})
	if err != nil {
		return Outcome{}, err
	}
	return outcomes[0], nil
}

// CommitAll returns when every entry of the units is stored: as a record, as a duplicate of one, or as a dead letter. It
// says what became of each unit. It waits as long as the database is away. The error is the context's, or ErrClosed; then
// nothing is known of the units, and they may be committed again. They must not be changed until CommitAll returns without
// error, and not at all after an error.
func (w *Writer) CommitAll(ctx context.Context, units []record.Unit) ([]Outcome, error) {
	w.mu.RLock()
	if w.closed {
		w.mu.RUnlock()
		return nil, ErrClosed
	}
	w.callers.Add(1)
	w.mu.RUnlock()
	defer w.callers.Done()

	outcomes := make([]Outcome, len(units))
	wt := &waiter{done: make(chan struct{})}
	for i := range units {
		wt.items = append(wt.items, itemsOf(&units[i], &outcomes[i])...)
	}
	for _, it := range wt.items {
		wt.bytes += it.bytes()
	}
	if len(wt.items) == 0 {
		return outcomes, nil
	}
	select {
	case w.waiting <- wt:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-w.ctx.Done():
		return nil, ErrClosed
	}
	select {
	case <-wt.done:
		if wt.err != nil {
			return nil, wt.err
		}
		return outcomes, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Close refuses new units, waits for those that are on their way, and stops the writers. When ctx ends first, what is
// on its way is given up (its callers get ErrClosed) and Close returns the context's error, at once: a goroutine may then
// still wait for the server's last answer.
func (w *Writer) Close(ctx context.Context) error {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	idle := make(chan struct{})
	go func() {
		w.callers.Wait()
		close(idle)
	}()
	var err error
	select {
	case <-idle:
	case <-ctx.Done():
		err = ctx.Err()
	}
	w.cancel()
	// A commit that the server does not answer can't be called off: it ends with its connection's timeout.
	ended := make(chan struct{})
	go func() {
		w.stopped.Wait()
		<-idle
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
		select {
		case <-ended:
		case <-time.After(closeGrace):
			err = ctx.Err()
		}
	}
	return err
}

// run is one writer: it gathers a batch and commits it, again and again.
func (w *Writer) run() {
	for {
		batch := w.gather()
		if batch == nil {
			return
		}
		w.inFlight.Add(1)
		err := w.commit(batch)
		w.inFlight.Add(-1)
		select {
		case w.landed <- struct{}{}:
		default:
		}
		for _, wt := range batch {
			if err != nil {
				wt.err = ErrClosed
			}
			close(wt.done)
		}
	}
}

// gather takes what waits, up to the limits of a batch. While no transaction is in flight it waits for nobody; else for
// the first of these: the batch is full, a transaction ends, the linger is over. nil when the writer stops.
func (w *Writer) gather() []*waiter {
	w.gathering.Lock()
	defer w.gathering.Unlock()
	limits := &w.store.options
	select {
	case <-w.landed: // an old token
	default:
	}
	var batch []*waiter
	rows, bytes := 0, 0
	take := func(wt *waiter) {
		batch = append(batch, wt)
		rows += len(wt.items)
		bytes += wt.bytes
	}
	select {
	case wt := <-w.waiting:
		take(wt)
	case <-w.ctx.Done():
		return nil
	}
	var over <-chan time.Time
	for rows < limits.MaxRows && bytes < limits.MaxBytes {
		select {
		case wt := <-w.waiting:
			take(wt)
			continue
		default:
		}
		if w.inFlight.Load() == 0 || limits.Linger <= 0 {
			break
		}
		if over == nil {
			timer := time.NewTimer(limits.Linger)
			defer timer.Stop()
			over = timer.C
		}
		select {
		case wt := <-w.waiting:
			take(wt)
			continue
		case <-w.landed:
		case <-over:
		case <-w.ctx.Done():
		}
		break
	}
	return batch
}

// commit commits a batch, in several transactions where a unit is larger than one may be. That keeps exactly once: each
// record is safe by its key, and a unit is answered after the last.
func (w *Writer) commit(batch []*waiter) error {
	var items []*item
	bytes := 0
	limits := &w.store.options
	for _, wt := range batch {
		for _, it := range wt.items {
			if len(items) > 0 && (len(items) >= limits.MaxRows || bytes+it.bytes() > 2*limits.MaxBytes) {
				if err := w.store.commit(w.ctx, items, map[batchID]bool{}); err != nil {
					return err
				}
				items, bytes = items[:0], 0
			}
			items = append(items, it)
			bytes += it.bytes()
		}
	}
	return w.store.commit(w.ctx, items, map[batchID]bool{})
}
