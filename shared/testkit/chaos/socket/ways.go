package socket

import (
	"context"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"gateway-billing.internal/shared/testkit/gateway/extplugin"
	"gateway-billing.internal/shared/testkit/gateway/nginx"
)

// Ways are the ways to one runner; each call goes one of them. Each is a worker of its own to the runner: it keeps its
// connections and its tokens, and learns of a restart by what it is answered. It implements gateway.Runner.
type Ways struct {
	straight *extplugin.Client
	hurt     []*extplugin.Client
	relays   []*relay

	mu     sync.Mutex
	took   []time.Duration
	failed int
	calls  int
}

// oneIn is how often a call goes a way that hurts.
const oneIn = 6

// NewWays makes the ways, with their sockets in dir, which must be short. timeout bounds each step of a call.
func NewWays(straight *extplugin.Client, socket, dir string, timeout time.Duration) (*Ways, error) {
	w := &Ways{straight: straight}
	for name, carry := range map[string]carry{"p": inPieces, "s": slowly, "c": cutOff} {
		path := filepath.Join(dir, name)
		r, err := startRelay(path, socket, carry)
		if err != nil {
			w.Close()
			return nil, err
		}
		w.relays = append(w.relays, r)
		w.hurt = append(w.hurt, extplugin.NewClient(path, timeout))
	}
	return w, nil
}

// Call calls the runner.
func (w *Ways) Call(ctx context.Context, binding string, conf extplugin.Conf, x *nginx.Exchange) (extplugin.Action, error) {
	way, straight := w.straight, true
	if rand.IntN(oneIn) == 0 {
		way, straight = w.hurt[rand.IntN(len(w.hurt))], false
	}
	start := time.Now()
	action, err := way.Call(ctx, binding, conf, x)
	took := time.Since(start)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls++
	if err != nil {
		w.failed++
	} else if straight {
		w.took = append(w.took, took)
	}
	return action, err
}

// Close ends everything. No call may be under way.
func (w *Ways) Close() {
	w.straight.Close()
	for _, client := range w.hurt {
		client.Close()
	}
	for _, r := range w.relays {
		r.close()
	}
}

// Figures are what was seen of the calls.
type Figures struct {
	Calls, Failed      int
	P50, P90, P99, Max time.Duration // of those that went straight and were answered
}

// Figures are those so far.
func (w *Ways) Figures() (Figures, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.took) == 0 {
		return Figures{}, errors.New("no call was ever answered")
	}
	took := slices.Sorted(slices.Values(w.took))
	at := func(percent int) time.Duration { return took[(len(took)-1)*percent/100] }
	return Figures{Calls: w.calls, Failed: w.failed, P50: at(50), P90: at(90), P99: at(99), Max: at(100)}, nil
}
