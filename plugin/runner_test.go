package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/shared/testkit/gateway/extplugin"
	"gateway-billing.internal/shared/testkit/gateway/nginx"
)

// testKeys is a key of 32 zero bytes.
const testKeys = "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

const requestID = "0123456789abcdef0123456789abcdef"

// output is the log of a runner. It is complete once the runner has stopped.
type output struct {
	mu    sync.Mutex
	bytes bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.bytes.Write(p)
}

// lines parses the log, each line of which must be a JSON object.
func (o *output) lines(t *testing.T) []map[string]any {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	var lines []map[string]any
	for text := range strings.Lines(o.bytes.String()) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Errorf("log line is not JSON: %q", text)
		}
		lines = append(lines, line)
	}
	return lines
}

// startRunner starts the real binary as APISIX does.
func startRunner(t *testing.T, env ...string) (*extplugin.Runner, *output) {
	t.Helper()
	log := &output{}
	r, err := extplugin.NewRunner(extplugin.RunnerConfig{
		Command: []string{runnerBinary}, Output: log, Timeout: 10 * time.Second,
		Env: append([]string{"BILLING_RUNNER_ID=gw-1", "BILLING_STAMP_KEYS=", "BILLING_STAMP_KEYS_FILE="}, env...),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := r.Start(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, log.bytes.String())
	}
	return r, log
}

func exchange(consumer string, header ...nginx.Field) *nginx.Exchange {
	return &nginx.Exchange{
		ID: requestID, Method: "GET", URI: "/v1/x?project=p1", RemoteAddr: "127.0.0.1", Consumer: consumer, Matched: true,
		Header: append(nginx.Header{{Name: "Host", Value: "a"}}, header...), Start: time.Now(),
	}
}

// stampExchange runs the plugin on a request as ext-plugin-post-req does, changes included.
func stampExchange(t *testing.T, r *extplugin.Runner, conf string, x *nginx.Exchange) extplugin.Action {
	t.Helper()
	action, err := r.Call(t.Context(), "route", extplugin.Conf{{Name: "billing-keys", Value: conf}}, x)
	if err != nil {
		t.Fatal(err)
	}
	if action.Stop != nil {
		t.Fatalf("the request was ended: %+v", action.Stop)
	}
	action.ApplyRequest(&x.Header)
	return action
}

// open reads the one stamp that a log format would see as $http_x_billing_stamp.
func open(t *testing.T, keys string, x *nginx.Exchange) (billingkey.Stamp, billingkey.State) {
	t.Helper()
	set, err := billingkey.ParseKeys(keys)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := x.Header.Variable("x_billing_stamp")
	return set.Open(text)
}

func field(name, value string) nginx.Field { return nginx.Field{Name: name, Value: value} }

func TestARequestIsStampedOverTheSocket(t *testing.T) {
	r, log := startRunner(t, "BILLING_STAMP_KEYS="+testKeys)
	for i, tt := range []struct {
		name, conf string
		consumer   string
		header     []nginx.Field
		source     billingkey.IDSource
	}{
		{name: "anonymous", source: billingkey.IDFromVar},
		{name: "an APISIX consumer", consumer: "acme", source: billingkey.IDFromVar},
		{
			name: "from headers", conf: `{"identity_from":"headers"}`, consumer: "acme", source: billingkey.IDFromHeaders,
			header: []nginx.Field{field("X-Billing-Request-Id", requestID), field("X-Billing-Consumer", "acme")},
		},
		{name: "a bad configuration", conf: `{"identity_from":"magic"}`, consumer: "acme", source: billingkey.IDFromVar},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := exchange(tt.consumer, tt.header...)
			before := time.Now().Truncate(time.Millisecond)
			action := stampExchange(t, r, tt.conf, x)
			st, state := open(t, testKeys, x)
			if state != billingkey.Verified || st.RequestID.String() != requestID || st.Consumer != tt.consumer ||
				st.IDSource != tt.source || st.Runner != "gw-1" || st.Sequence != uint64(i+1) ||
				st.Time.Before(before) || st.Time.After(time.Now()) {
				t.Errorf("%s: %+v", state, st)
			}
			if got, _ := x.Header.Variable("x_billing_request_id"); got != requestID {
				t.Errorf("request ID in clear %q", got)
			}
			if got, _ := x.Header.Variable("x_billing_consumer"); got != tt.consumer {
				t.Errorf("APISIX consumer in clear %q", got)
			}
			if got := action.Answer.Get("X-Billing-Request-Id"); got != requestID {
				t.Errorf("the client is told the request ID %q", got)
			}
		})
	}
	r.Stop()
	var messages []string
	for _, line := range log.lines(t) {
		messages = append(messages, fmt.Sprint(line["level"], ": ", line["message"]))
	}
	// Nothing of the single calls, and a regular end.
	for i, want := range []string{
		"info: started", "info: listening", "error: bad plugin configuration", "info: stopped",
	} {
		if len(messages) != 4 || !strings.HasPrefix(messages[i], want) {
			t.Fatalf("log %q, want %s at %d", messages, want, i)
		}
	}
}

// A client may repeat a header whose value it can guess (its own name) so that the runner sees nothing to change.
func TestNoClientHeaderPassesTheSocket(t *testing.T) {
	r, _ := startRunner(t, "BILLING_STAMP_KEYS="+testKeys)
	for name, header := range map[string]nginx.Header{
		"repeated, the first as ours": {
			field("X-Billing-Consumer", "acme"), field("X-Billing-Consumer", "rich"),
			field("X-Billing-Request-Id", requestID), field("x-billing-request-id", "f"),
		},
		"as ours": {field("X-Billing-Consumer", "acme"), field("X-Billing-Request-Id", requestID)},
		"every spelling": {
			field("x-billing-consumer", "rich"), field("X_BILLING_CONSUMER", "rich"), field("X_Billing-Consumer", "rich"),
			field("x-billing_request_id", "f"), field("X_Billing_Request_Id", "f"), field("x_billing_request_id", "g"),
			field("X-Billing-Stamp", "v0.x"), field("X_Billing_Stamp", "v0.y"), field("X-BILLING-STAMP", "v0.z"),
		},
	} {
		for _, consumer := range []string{"acme", ""} {
			t.Run(name+" "+consumer, func(t *testing.T) {
				x := exchange(consumer, header.Clone()...)
				stampExchange(t, r, "", x)
				if _, state := open(t, testKeys, x); state != billingkey.Verified {
					t.Errorf("stamp %s", state)
				}
				for name, want := range map[string]string{"x_billing_request_id": requestID, "x_billing_consumer": consumer} {
					if got, _ := x.Header.Variable(name); got != want {
						t.Errorf("$http_%s is %q, want %q", name, got, want)
					}
				}
			})
		}
	}
}

// The gateway shows the runner 100 headers; a client may hide its own behind them.
func TestNoClientHeaderPassesBehindAFlood(t *testing.T) {
	r, _ := startRunner(t, "BILLING_STAMP_KEYS="+testKeys)
	for _, fillers := range []int{90, 98, 99, 100, 150} {
		for _, consumer := range []string{"acme", ""} {
			x := exchange(consumer)
			for i := range fillers {
				x.Header.Add(fmt.Sprint("X-Filler-", i), "x")
			}
			for _, name := range []string{
				"X-Billing-Consumer", "X_Billing_Consumer", "x-billing_consumer", "X-Billing-Stamp", "X_BILLING_STAMP",
				"x_billing-stamp", "X-Billing-Request-Id", "X_Billing_Request_Id", "X-Billing_Request-ID", "x_billing-request_id",
			} {
				x.Header.Add(name, "forged")
			}
			stampExchange(t, r, "", x)
			if _, state := open(t, testKeys, x); state != billingkey.Verified {
				text, _ := x.Header.Variable("x_billing_stamp")
				t.Errorf("%d headers before: stamp %s: %q", fillers, state, text)
			}
			for name, want := range map[string]string{"x_billing_request_id": requestID, "x_billing_consumer": consumer} {
				if got, _ := x.Header.Variable(name); got != want {
					t.Errorf("%d headers before: $http_%s is %q, want %q", fillers, name, got, want)
				}
			}
		}
	}
}

func TestBoundTwiceKeepsTheFirstStamp(t *testing.T) {
	for keys, want := range map[string]billingkey.State{testKeys: billingkey.Verified, "": billingkey.Unsealed} {
		r, log := startRunner(t, "BILLING_STAMP_KEYS="+keys)
		x := exchange("acme")
		stampExchange(t, r, "", x)
		first, _ := x.Header.Variable("x_billing_stamp")
		stampExchange(t, r, `{"identity_from":"headers"}`, x)
		if second, _ := x.Header.Variable("x_billing_stamp"); second != first {
			t.Errorf("stamp %q became %q", first, second)
		}
		if st, state := open(t, keys, x); state != want || st.Sequence != 1 {
			t.Errorf("%s: %+v", state, st)
		}
		r.Stop()
		if first := log.lines(t)[0]; keys == "" && (first["level"] != "warn" || !strings.Contains(first["message"].(string), "NOT sealed")) {
			t.Errorf("no warning of unsealed stamps: %v", first)
		}
	}
}

func TestCallsAtOnceAreNumberedWithoutGapOrRepeat(t *testing.T) {
	r, _ := startRunner(t, "BILLING_STAMP_KEYS="+testKeys)
	const workers, each = 8, 50
	var mu sync.Mutex
	seen := make(map[uint64]bool)
	epochs := make(map[billingkey.Epoch]bool)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range each {
				x := exchange("acme")
				action, err := r.Call(t.Context(), "route", extplugin.Conf{{Name: "billing-keys"}}, x)
				if err != nil {
					t.Error(err)
					return
				}
				action.ApplyRequest(&x.Header)
				st, _ := open(t, testKeys, x)
				mu.Lock()
				seen[st.Sequence], epochs[st.Epoch] = true, true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for n := range uint64(workers * each) {
		if !seen[n+1] {
			t.Fatalf("no stamp has the number %d", n+1)
		}
	}
	if len(seen) != workers*each || len(epochs) != 1 {
		t.Errorf("%d numbers in %d epochs", len(seen), len(epochs))
	}

	// A runner that was killed begins a new epoch, at 1.
	if err := r.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	x := exchange("acme")
	stampExchange(t, r, "", x)
	if st, _ := open(t, testKeys, x); epochs[st.Epoch] || st.Sequence != 1 {
		t.Errorf("after a kill: epoch known %v, sequence %d", epochs[st.Epoch], st.Sequence)
	}
}

// However a run ends, the next one's stamps tell its last number, over the same socket and in the directory that is named.
func TestTheNextRunTellsTheLastNumber(t *testing.T) {
	for _, tt := range []struct {
		name string
		env  []string
	}{
		{"beside the socket", nil},
		{"in a directory", []string{"BILLING_RUNNER_STATE_DIR=" + filepath.Join(t.TempDir(), "state")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, _ := startRunner(t, append(tt.env, "BILLING_STAMP_KEYS="+testKeys)...)
			last, epoch := uint64(0), billingkey.Epoch{}
			for run := range 4 {
				var st billingkey.Stamp
				for range 3 + run {
					x := exchange("acme")
					stampExchange(t, r, "", x)
					st, _ = open(t, testKeys, x)
					if st.PreviousLast != last || st.PreviousEpoch != epoch || st.Epoch == epoch {
						t.Fatalf("run %d of epoch %s tells of %d in %s, want %d in %s", run, st.Epoch, st.PreviousLast, st.PreviousEpoch, last, epoch)
					}
				}
				last, epoch = st.Sequence, st.Epoch
				if err := r.Kill(); err != nil {
					t.Fatal(err)
				}
				if err := r.Start(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// A runner that can't remember stamps all the same, and says once what is lost by that.
func TestWithoutMemory(t *testing.T) {
	r, log := startRunner(t, "BILLING_RUNNER_STATE_DIR=/dev/null/state")
	x := exchange("acme")
	stampExchange(t, r, "", x)
	if st, _ := open(t, "", x); st.Sequence != 1 || !st.PreviousEpoch.IsZero() {
		t.Errorf("stamp %+v", st)
	}
	warned := 0
	for _, line := range log.lines(t) {
		if text, _ := line["message"].(string); strings.Contains(text, "BILLING_RUNNER_STATE_DIR") && line["level"] == "warn" {
			warned++
		}
	}
	if warned != 1 {
		t.Errorf("warned %d times", warned)
	}
}
