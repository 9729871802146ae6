package ledger_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/shared/testkit/stack"
)

// The commit succeeds, its answer is lost: the records are there, once, and so are their sums.
func TestAnswerToTheCommitIsLost(t *testing.T) {
	dsn := migrated(t)
	db := connect(t, dsn)
	var armed atomic.Bool
	proxied, p := through(t, dsn, func(piece []byte) verdict {
		if bytes.HasSuffix(piece, []byte("\x03COMMIT")) && armed.CompareAndSwap(true, false) {
			return swallow
		}
		return pass
	})
	w := ledgerOf(t, proxied, func(o *ledger.Options) { o.MaxRows = 20 })
	poor := request(someID())
	commit(t, w, unit(withoutBody(poor)))
	for round := range 5 {
		armed.Store(true)
		u := record.Unit{Rejects: []record.Reject{garbage("bad", "m")}}
		for range 30 {
			u.Records = append(u.Records, request(someID()))
		}
		u.Records = append(u.Records, u.Records[3], poor)
		o := commit(t, w, u)
		// The attempt that was not answered is known by its batch: its records are no duplicates.
		if o.Recorded != 30 || o.Duplicate != 2 {
			t.Errorf("round %d: %+v", round, o)
		}
	}
	if cuts := p.cuts.Load(); cuts != 5 {
		t.Errorf("%d answers lost, want 5", cuts)
	}
	if n := value[int](t, db, "SELECT COUNT(*) FROM mq_consume_log"); n != 151 {
		t.Errorf("%d rows, want 151", n)
	}
	checkSums(t, db)
}

// Connections that break at random are an outage: nothing is lost, doubled or blamed on a record.
func TestConnectionsThatBreakAtRandom(t *testing.T) {
	dsn := migrated(t)
	db := connect(t, dsn)
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(3, 4))
	proxied, p := through(t, dsn, func(piece []byte) verdict {
		mu.Lock()
		defer mu.Unlock()
		switch random.IntN(50) {
		case 0:
			return cut
		case 1:
			return swallow
		}
		return pass
	})
	w := ledgerOf(t, proxied, func(o *ledger.Options) { o.Writers, o.MaxRows = 3, 20 })
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 25 {
				commit(t, w, unit(request(someID()), request(someID()), withoutBody(request(someID()))))
			}
		})
	}
	wg.Wait()
	rows := value[int](t, db, "SELECT COUNT(*) FROM mq_consume_log")
	letters := value[int](t, db, "SELECT COUNT(*) FROM dead_letter")
	if rows != 600 || letters != 0 || p.cuts.Load() < 10 {
		t.Errorf("%d rows, %d dead letters after %d cuts; want 600 and 0", rows, letters, p.cuts.Load())
	}
	checkSums(t, db)
}

// A record that breaks its connection each time, while the server answers, is the fault itself; so are the raw bytes of
// its dead letter.
func TestRecordThatBreaksItsConnection(t *testing.T) {
	for _, tt := range []struct {
		name string
		raw  string
		want string
	}{
		{"the record alone", "harmless", "13 poison harmless"},
		{"its raw bytes too", "break-me", "13 poison "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dsn := migrated(t)
			db := connect(t, dsn)
			proxied, _ := through(t, dsn, func(piece []byte) verdict {
				if bytes.Contains(piece, []byte("break-me")) {
					return cut
				}
				return pass
			})
			w := ledgerOf(t, proxied)
			u := record.Unit{Body: []byte("the whole message")}
			for i := range 20 {
				u.Records = append(u.Records, request(someID(), func(r *record.Record) {
					if r.EntryIndex = i; i == 13 {
						r.Body, r.Raw = "break-me", []byte(tt.raw)
					}
				}))
			}
			wantOutcome(t, commit(t, w, u), ledger.Outcome{Recorded: 19, Rejected: 1})
			if got := value[string](t, db, "SELECT CONCAT_WS(' ', entry_index, reason, raw) FROM dead_letter"); got != tt.want {
				t.Errorf("dead letter %q, want %q", got, tt.want)
			}
			checkSums(t, db)
		})
	}
}

// A table that is gone is a mistake of people: the records are held, not blamed, until it is mended.
func TestSetupFaultIsHeld(t *testing.T) {
	dsn := migrated(t)
	db := connect(t, dsn)
	store, err := ledger.Open(ledger.Options{DSN: dsn, Writers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	w := store.NewWriter()
	defer w.Close(context.Background())
	exec(t, db, "RENAME TABLE usage_delta TO gone")
	var wg sync.WaitGroup
	wg.Go(func() { wantOutcome(t, commit(t, w, unit(request(someID()))), ledger.Outcome{Recorded: 1}) })
	await(t, func() bool { return !store.State().Ready })
	if s := store.State(); s.Fault != "setup" || s.Err == nil || store.Check(t.Context()) == nil {
		t.Errorf("state %+v", s)
	}
	exec(t, db, "RENAME TABLE gone TO usage_delta")
	wg.Wait()
	if s := store.State(); !s.Ready || s.Err != nil || store.Check(t.Context()) != nil {
		t.Errorf("state %+v", s)
	}
	checkSums(t, db)
}

// The database is killed, frozen, made read-only: what is on its way waits, and goes on by itself.
func TestDatabaseGoesAway(t *testing.T) {
	server := stack.StartDatabase(t)
	admin := server.NewDatabase(t)
	if _, err := ledger.MigrateUp(t.Context(), admin); err != nil {
		t.Fatal(err)
	}
	root := connect(t, admin)
	// A user whom read_only stops.
	exec(t, root, "CREATE USER plain@'127.0.0.1' IDENTIFIED BY 'plain'")
	exec(t, root, "GRANT SELECT, INSERT, UPDATE ON "+value[string](t, root, "SELECT DATABASE()")+".* TO plain@'127.0.0.1'")
	plain := "plain:plain@tcp(" + server.Addr() + ")/" + value[string](t, root, "SELECT DATABASE()")
	store, err := ledger.Open(ledger.Options{DSN: plain, Writers: 2, MaxRows: 50, Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	w := store.NewWriter()

	ctx, cancel := context.WithCancel(t.Context())
	var committed atomic.Int64
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			for ctx.Err() == nil {
				// Without a context of its own: each unit that began is waited for.
				if _, err := w.Commit(context.Background(), unit(request(someID()), request(someID()))); err != nil {
					t.Error(err)
					return
				}
				committed.Add(1)
			}
		})
	}
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, away := range []struct {
		name       string
		leave, aid func()
	}{
		{"killed", func() { must(server.Kill()) }, func() { must(server.Start(t.Context())) }},
		{"frozen", func() { must(server.Pause()) }, func() { must(server.Resume()) }},
		{"read only", func() { exec(t, root, "SET GLOBAL read_only = 1") }, func() { exec(t, root, "SET GLOBAL read_only = 0") }},
		{"connections cut", func() { killAll(t, root) }, func() {}},
	} {
		before := committed.Load()
		await(t, func() bool { return committed.Load() > before+20 })
		away.leave()
		if away.name != "connections cut" {
			await(t, func() bool { return !store.State().Ready })
		}
		away.aid()
		before = committed.Load()
		await(t, func() bool { return store.State().Ready && committed.Load() > before+20 })
		t.Logf("%s: it goes on", away.name)
	}
	cancel()
	wg.Wait()
	must(w.Close(t.Context()))
	rows := value[int64](t, root, "SELECT COUNT(*) FROM mq_consume_log")
	letters := value[int](t, root, "SELECT COUNT(*) FROM dead_letter")
	if rows != 2*committed.Load() || letters != 0 {
		t.Errorf("%d rows, %d dead letters; want %d and 0", rows, letters, 2*committed.Load())
	}
	checkSums(t, root)
}

func killAll(t *testing.T, root *sql.DB) {
	t.Helper()
	rows, err := root.Query("SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'plain'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		root.Exec("KILL ?", id) // it may be gone
	}
}

// retries counts failed attempts.
type retries struct{ atomic.Int64 }

func (r *retries) Committed(int, time.Duration) {}
func (r *retries) Retried(string)               { r.Add(1) }

func TestCommitAndCloseEndWithTheirContexts(t *testing.T) {
	server := stack.StartDatabase(t)
	dsn := server.NewDatabase(t)
	if _, err := ledger.MigrateUp(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	var tried retries
	store, err := ledger.Open(ledger.Options{DSN: dsn, Observer: &tried})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	// begin commits a unit that can't be committed, and returns when it is being tried.
	begin := func(ctx context.Context, w *ledger.Writer) <-chan error {
		before, result := tried.Load(), make(chan error, 1)
		go func() {
			_, err := w.Commit(ctx, unit(request(someID())))
			result <- err
		}()
		await(t, func() bool { return tried.Load() > before })
		return result
	}

	w := store.NewWriter()
	ctx, cancel := context.WithCancel(t.Context())
	result := begin(ctx, w)
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("a commit whose context ended: %v", err)
	}
	if err := w.Close(t.Context()); err != nil {
		t.Errorf("close without a caller: %v", err)
	}

	w = store.NewWriter()
	result = begin(t.Context(), w)
	limit, stop := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer stop()
	if err := w.Close(limit); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("close with a caller: %v", err)
	}
	if err := <-result; !errors.Is(err, ledger.ErrClosed) {
		t.Errorf("a commit that was given up: %v", err)
	}
	if _, err := w.Commit(t.Context(), unit(request(someID()))); !errors.Is(err, ledger.ErrClosed) {
		t.Errorf("a commit after close: %v", err)
	}
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// await waits until a condition holds.
func await(t *testing.T, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatal("it did not come to hold within a minute")
		}
		time.Sleep(5 * time.Millisecond)
	}
}
