package replay_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/time/rate"

	"gateway-billing.internal/consumer/internal/identity"
	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/pipeline"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/consumer/internal/redact"
	"gateway-billing.internal/consumer/internal/replay"
	"gateway-billing.internal/consumer/internal/source/sourcetest"
	"gateway-billing.internal/shared/billingkey"
)

// The flow brings the RocketMQ client's goroutines along.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m, sourcetest.ClientLeaks()...) }

// counting is an input of n messages, which end with an error where one is set.
type counting struct {
	n, at int
	err   error
}

func (c *counting) Next(ctx context.Context) (replay.Item, error) {
	if ctx.Err() != nil {
		return replay.Item{}, ctx.Err()
	}
	if c.at == c.n {
		if c.err != nil {
			return replay.Item{}, c.err
		}
		return replay.Item{}, io.EOF
	}
	c.at++
	return replay.Item{
		Origin: record.Origin{Offset: int64(c.at)}, Body: fmt.Appendf(nil, "message %d", c.at), Lane: "q",
		Behind: replay.Position{Next: int64(c.at)},
	}, nil
}

func (c *counting) Progress() (string, float64) { return "", -1 }
func (c *counting) Notes() []string             { return nil }

// gated is a ledger of which a test decides when it commits a message: no database can be made to keep one message back
// and commit those behind it.
type gated struct {
	mu       sync.Mutex
	held     map[string]chan struct{}
	inFlight int
	most     int
}

func (g *gated) CommitAll(ctx context.Context, units []record.Unit) ([]ledger.Outcome, error) {
	g.mu.Lock()
	g.inFlight++
	g.most = max(g.most, g.inFlight)
	hold := g.held[string(units[0].Body)]
	g.mu.Unlock()
	defer func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.inFlight--
	}()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return []ledger.Outcome{{Entries: 1, Rejected: 1}}, nil
}

func options(t *testing.T, l pipeline.Committer) replay.Options {
	keys, err := billingkey.ParseKeys("")
	if err != nil {
		t.Fatal(err)
	}
	d := &pipeline.Deriver{Keys: keys, Rules: identity.Rules{Tolerance: time.Second}, Body: redact.New(redact.Redacted, nil, nil)}
	return replay.Options{Deriver: d, Ledger: l, Rate: rate.Inf, Drain: 10 * time.Second}
}

// The position never moves over a message that is not committed, whatever is committed behind it; what is in flight is
// bounded; given up after the drain, the position stands before it.
func TestPositionStaysBeforeWhatIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		g := &gated{held: map[string]chan struct{}{"message 5": hold}}
		var saved []int64
		o := options(t, g)
		o.Save = func(s *replay.State) error {
			saved = append(saved, s.Positions["q"].Next)
			return nil
		}
		run := replay.New(o, &counting{n: 100_000}, replay.NewState("x"))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- run.Do(ctx) }()
		synctest.Wait()
		if at := run.State(); at.Positions["q"].Next != 4 || at.Totals.Messages != 4 {
			t.Errorf("message 5 is held, and the position is %+v", at)
		}
		if g.most > 512 {
			t.Errorf("%d messages at once", g.most)
		}
		cancel()
		began := time.Now()
		if err := <-done; !errors.Is(err, replay.ErrInterrupted) || time.Since(began) != 10*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		if len(saved) == 0 || saved[len(saved)-1] != 4 {
			t.Errorf("saved positions %v, want 4 last", saved)
		}
	})
}

// What is committed during the drain counts.
func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		g := &gated{held: map[string]chan struct{}{"message 5": hold}}
		run := replay.New(options(t, g), &counting{n: 100_000}, replay.NewState("x"))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- run.Do(ctx) }()
		synctest.Wait()
		cancel()
		synctest.Wait()
		close(hold)
		if err := <-done; !errors.Is(err, replay.ErrInterrupted) {
			t.Errorf("%v", err)
		}
		if at := run.State(); at.Positions["q"].Next < 100 || at.Totals.Messages != at.Positions["q"].Next || at.Totals.Rejected != at.Totals.Messages {
			t.Errorf("after the drain: %+v", at)
		}
	})
}

// An input that fails is replayed up to there; a position that can't be saved ends the replay.
func TestFailures(t *testing.T) {
	broken := errors.New("breaks off")
	run := replay.New(options(t, &gated{}), &counting{n: 700, err: broken}, replay.NewState("x"))
	if err := run.Do(t.Context()); !errors.Is(err, broken) || run.State().Positions["q"].Next != 700 {
		t.Errorf("%v at %+v", err, run.State())
	}
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("disk full")
		o := options(t, &gated{})
		o.Rate = 100
		o.Save = func(*replay.State) error { return full }
		input := &counting{n: 100_000}
		if err := replay.New(o, input, replay.NewState("x")).Do(t.Context()); !errors.Is(err, full) || input.at > 1000 {
			t.Errorf("%v after %d messages", err, input.at)
		}
	})
}

func TestState(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	s, err := replay.LoadState(path, "a")
	if err != nil || len(s.Positions) != 0 {
		t.Fatalf("%+v, %v", s, err)
	}
	s.Positions["q"] = replay.Position{Next: 7}
	s.Totals.Messages = 6
	for range 2 {
		if err := s.Save(path); err != nil {
			t.Fatal(err)
		}
	}
	again, err := replay.LoadState(path, "a")
	if err != nil || again.Positions["q"].Next != 7 || again.Totals.Messages != 6 {
		t.Errorf("%+v, %v", again, err)
	}
	if _, err := replay.LoadState(path, "b"); err == nil || !strings.Contains(err.Error(), "the state of another replay: a; this is b") {
		t.Errorf("another replay's state: %v", err)
	}
	if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) != 1 {
		t.Errorf("%d files beside the state, %v", len(files)-1, err)
	}
	if err := os.WriteFile(path, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := replay.LoadState(path, "a"); err == nil {
		t.Error("what is no state was taken")
	}
}
