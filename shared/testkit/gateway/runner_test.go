package gateway

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/shared/testkit/gateway/apisixlog"
	"gateway-billing.internal/shared/testkit/gateway/extplugin"
	"gateway-billing.internal/shared/testkit/gateway/nginx"
	"gateway-billing.internal/shared/testkit/gateway/rocketlog"
	"gateway-billing.internal/shared/testkit/gateway/upstream"
)

var stampKeys = "k1:" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32)))

// stand is a gateway with the real runner, and what it logged and observed.
type stand struct {
	*Gateway
	runner *extplugin.Runner
	keys   *billingkey.KeySet

	mu       sync.Mutex
	messages []rocketlog.Message
	truths   []Truth
	calls    int // of the upstream
}

// newStand has a route /v1 with authentication, /open without, /strict without degradation, and /bare without the plugin.
func newStand(t *testing.T, change func(*Config, *extplugin.RunnerConfig)) *stand {
	s := &stand{}
	var err error
	if s.keys, err = billingkey.ParseKeys(stampKeys); err != nil {
		t.Fatal(err)
	}
	answer := func(upstream.Call) upstream.Answer {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.calls++
		return upstream.Chat(usage)
	}
	plugins := Plugins{PostReq: BillingKeys("{}"), Logger: withBodies()}
	strict := plugins
	strict.PostReq = &ExtPlugin{Conf: plugins.PostReq.Conf}
	config := Config{
		Sender: rocketlog.SenderFunc(func(_ context.Context, m rocketlog.Message) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.messages = append(s.messages, m)
			return nil
		}),
		Metadata: rocketlog.Metadata{LogFormatExtra: rocketlog.BillingExtra()},
		APIKeys:  map[string]string{"alice-key": "alice", "bob-key": "bob"},
		Routes: []Route{
			{ID: "chat", Prefix: "/v1", KeyAuth: true, Plugins: plugins, Upstream: answer},
			{ID: "open", Prefix: "/open", Plugins: plugins, Upstream: answer},
			{ID: "strict", Prefix: "/strict", Plugins: strict, Upstream: answer},
			{ID: "bare", Prefix: "/bare", Plugins: Plugins{Logger: withBodies()}, Upstream: answer},
		},
		Observe: func(truth Truth) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.truths = append(s.truths, truth)
		},
	}
	runner := extplugin.RunnerConfig{
		Command: []string{runnerBinary},
		Env:     []string{billingkey.EnvKeys + "=" + stampKeys, "BILLING_RUNNER_ID=test", "BILLING_RUNNER_LOG_LEVEL=error"},
	}
	if change != nil {
		change(&config, &runner)
	}
	if s.runner, err = extplugin.NewRunner(runner); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.runner.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := s.runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	config.Runner = s.runner
	if s.Gateway, err = New(config); err != nil {
		t.Fatal(err)
	}
	return s
}

// logged is what a test reads of an entry.
type logged struct {
	Request struct {
		Headers map[string]any
	}
	Response struct {
		Status  int
		Headers map[string]any
	}
	Consumer *struct{ Username string }
	RouteID  string `json:"route_id"`
	Billing  struct {
		RequestID string `json:"request_id"`
		Stamp     string
	}
	StartTime float64 `json:"start_time"`
	Latency   float64
}

// send does one request and returns the answer and its one entry.
func (s *stand) send(t *testing.T, request Request) (Response, logged) {
	s.mu.Lock()
	s.messages = nil
	s.mu.Unlock()
	response, err := s.Do(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.messages) != 1 {
		t.Fatalf("%d messages, want 1", len(s.messages))
	}
	var entry logged
	if err := json.Unmarshal(s.messages[0].Body, &entry); err != nil {
		t.Fatal(err)
	}
	return response, entry
}

// open opens the last of a stamp variable's joined values, which is where the runner's own stands.
func (s *stand) open(t *testing.T, joined string) billingkey.Stamp {
	t.Helper()
	values := strings.Split(joined, ", ")
	stamp, state := s.keys.Open(values[len(values)-1])
	if state != billingkey.Verified {
		t.Fatalf("the stamp in %q is %s", joined, state)
	}
	return stamp
}

func get(uri string, header ...nginx.Field) Request {
	return Request{Method: "GET", URI: uri, Header: header}
}

func TestTheRealRunnerStamps(t *testing.T) {
	s := newStand(t, nil)
	for name, c := range map[string]struct {
		request  Request
		consumer string
	}{
		"an APISIX consumer":   {curl("POST", "/v1/chat", chatBody, apikey), "alice"},
		"an anonymous request": {curl("POST", "/open/chat", chatBody), ""},
	} {
		t.Run(name, func(t *testing.T) {
			response, entry := s.send(t, c.request)
			stamp := s.open(t, entry.Billing.Stamp)
			if stamp.RequestID.String() != response.RequestID || entry.Billing.RequestID != response.RequestID {
				t.Errorf("request ID %s, in the stamp %s, in the billing object %s", response.RequestID, stamp.RequestID, entry.Billing.RequestID)
			}
			if stamp.Consumer != c.consumer || stamp.Runner != "test" || stamp.IDSource != billingkey.IDFromVar {
				t.Errorf("stamp %+v", stamp)
			}
			if at := float64(stamp.Time.UnixMilli()); at < entry.StartTime || at > entry.StartTime+entry.Latency {
				t.Errorf("stamped at %v, outside the request (%v + %v ms)", at, entry.StartTime, entry.Latency)
			}
			if entry.Request.Headers["x-billing-stamp"] != entry.Billing.Stamp {
				t.Errorf("request header %v, billing object %v", entry.Request.Headers["x-billing-stamp"], entry.Billing.Stamp)
			}
			if got := response.Header.Get("X-Billing-Request-Id"); got != response.RequestID {
				t.Errorf("the client was told %q, want %q", got, response.RequestID)
			}
		})
	}
}

func TestIdentityFromHeaders(t *testing.T) {
	s := newStand(t, func(c *Config, _ *extplugin.RunnerConfig) {
		plugins := &c.Routes[0].Plugins
		plugins.PostReq = BillingKeys(`{"identity_from":"headers"}`)
		plugins.ProxyRewrite = nginx.Header{{Name: "X-Billing-Request-Id", Value: "$request_id"}, {Name: "X-Billing-Consumer", Value: "$consumer_name"}}
	})
	response, entry := s.send(t, get("/v1/chat", apikey, nginx.Field{Name: "X-Billing-Request-Id", Value: strings.Repeat("f", 32)}))
	stamp := s.open(t, entry.Billing.Stamp)
	if stamp.IDSource != billingkey.IDFromHeaders || stamp.RequestID.String() != response.RequestID || stamp.Consumer != "alice" {
		t.Errorf("stamp %+v, want the gateway's own ID %s from the headers", stamp, response.RequestID)
	}
}

func TestAClientCannotStamp(t *testing.T) {
	s := newStand(t, nil)
	_, first := s.send(t, get("/v1/chat", apikey))
	stolen := first.Billing.Stamp

	spoof := func(names ...string) []nginx.Field {
		fields := []nginx.Field{{Name: "apikey", Value: "bob-key"}}
		for _, name := range names {
			fields = append(fields, nginx.Field{Name: name, Value: stolen})
		}
		return fields
	}
	for name, c := range map[string]struct {
		fields []nginx.Field
		values int // joined in $http_x_billing_stamp
	}{
		"its own header":              {spoof("X-Billing-Stamp"), 1},
		"repeated":                    {spoof("X-Billing-Stamp", "x-billing-stamp", "X-BILLING-STAMP"), 1},
		"with underscores":            {spoof("X_Billing_Stamp", "x_billing-stamp"), 1},
		"behind what the runner sees": {append(filler(120), spoof("X_Billing_Stamp")...), 1},
	} {
		t.Run(name, func(t *testing.T) {
			response, entry := s.send(t, get("/v1/chat", c.fields...))
			if n := len(strings.Split(entry.Billing.Stamp, ", ")); n != c.values {
				t.Errorf("%d stamp values, want %d", n, c.values)
			}
			stamp := s.open(t, entry.Billing.Stamp)
			if stamp.Consumer != "bob" || stamp.RequestID.String() != response.RequestID {
				t.Errorf("stamp %+v, want bob's own", stamp)
			}
		})
	}
	t.Run("where the plugin does not run, its headers stay", func(t *testing.T) {
		_, entry := s.send(t, get("/bare", spoof("X-Billing-Stamp")...))
		if entry.Billing.Stamp != stolen {
			t.Errorf("stamp %q, want the client's", entry.Billing.Stamp)
		}
	})
	t.Run("an X-Consumer-Username of its own names no APISIX consumer", func(t *testing.T) {
		_, entry := s.send(t, get("/open", nginx.Field{Name: "X-Consumer-Username", Value: "alice"}))
		if entry.Consumer != nil || s.open(t, entry.Billing.Stamp).Consumer != "" {
			t.Errorf("consumer %+v", entry.Consumer)
		}
	})
}

func TestAHeaderFloodHidesTheStampFromTheHeadersAlone(t *testing.T) {
	s := newStand(t, nil)
	response, entry := s.send(t, get("/open", filler(98)...))
	if _, there := entry.Request.Headers["x-billing-stamp"]; there {
		t.Error("the stamp is among the first 100 headers")
	}
	if s.open(t, entry.Billing.Stamp).RequestID.String() != response.RequestID {
		t.Error("the billing object has not the request's stamp")
	}
	if entry.Response.Headers["x-billing-request-id"] != response.RequestID {
		t.Error("the response header is missing")
	}
}

func TestThePluginBoundTwiceStampsOnce(t *testing.T) {
	s := newStand(t, func(c *Config, _ *extplugin.RunnerConfig) {
		c.Global.PostReq = BillingKeys("{}")
	})
	_, entry := s.send(t, get("/open"))
	if stamp := s.open(t, entry.Billing.Stamp); stamp.Sequence != 1 {
		t.Errorf("sequence %d, want 1: the second run keeps the stamp", stamp.Sequence)
	}
}

func TestWhereThePluginDoesNotRun(t *testing.T) {
	s := newStand(t, func(c *Config, _ *extplugin.RunnerConfig) {
		c.Routes = append(c.Routes, Route{ID: "pre", Prefix: "/pre", KeyAuth: true, Upstream: upstream.Fixed(upstream.Chat(usage)),
			Plugins: Plugins{PreReq: BillingKeys("{}"), Logger: withBodies()}})
	})
	_, entry := s.send(t, curl("POST", "/v1/chat", chatBody))
	if entry.Response.Status != 401 || entry.Billing.Stamp != "" || entry.Consumer != nil {
		t.Errorf("401: %+v", entry)
	}
	_, entry = s.send(t, Request{Method: "POST", URI: "/open", Body: []byte(chatBody), Abort: AbortInBody})
	if entry.Response.Status != 400 || entry.Billing.Stamp != "" || entry.Billing.RequestID == "" {
		t.Errorf("aborted in the body: %+v", entry)
	}
	_, entry = s.send(t, get("/pre", apikey))
	if stamp := s.open(t, entry.Billing.Stamp); stamp.Consumer != "" || entry.Consumer == nil {
		t.Errorf("bound before authentication: stamp %+v, entry consumer %v; want a stamp that knows no APISIX consumer", stamp, entry.Consumer)
	}
}

func TestTheRunnerIsDown(t *testing.T) {
	s := newStand(t, nil)
	_, before := s.send(t, get("/open"))
	if err := s.runner.Kill(); err != nil {
		t.Fatal(err)
	}
	calls := s.calls
	response, entry := s.send(t, get("/strict", nginx.Field{Name: "X-Billing-Stamp", Value: "mine"}))
	if response.Status != 503 || s.calls != calls || entry.Billing.Stamp != "mine" {
		t.Errorf("without degradation: status %d, %d upstream calls, stamp %q; want 503, no call, the client's header", response.Status, s.calls-calls, entry.Billing.Stamp)
	}
	response, entry = s.send(t, get("/open"))
	if response.Status != 200 || entry.Billing.Stamp != "" || entry.Billing.RequestID != response.RequestID {
		t.Errorf("with degradation: status %d, entry %+v; want 200 without a stamp, with the gateway's ID", response.Status, entry.Billing)
	}
	if err := s.runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, after := s.send(t, get("/open"))
	if old, now := s.open(t, before.Billing.Stamp), s.open(t, after.Billing.Stamp); old.Epoch == now.Epoch || now.Sequence != 1 {
		t.Errorf("epochs %s and %s, sequence %d: want a new epoch that counts from 1", old.Epoch, now.Epoch, now.Sequence)
	}
}

func TestAKilledRunnerComesBack(t *testing.T) {
	s := newStand(t, func(_ *Config, r *extplugin.RunnerConfig) { r.Respawn = time.Millisecond })
	if err := s.runner.Kill(); err != nil {
		t.Fatal(err)
	}
	for {
		if _, entry := s.send(t, get("/open")); entry.Billing.Stamp != "" {
			break
		}
		if t.Context().Err() != nil {
			t.Fatal("never stamped again")
		}
	}
}

func TestAHungRunner(t *testing.T) {
	s := newStand(t, func(_ *Config, r *extplugin.RunnerConfig) { r.Timeout = 50 * time.Millisecond })
	s.send(t, get("/open"))
	if err := s.runner.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	// Signals take effect a moment later.
	stamped := func() bool {
		_, entry := s.send(t, get("/open"))
		return entry.Billing.Stamp != ""
	}
	await(t, "a request that passes the stopped runner by", func() bool { return !stamped() })
	calls := s.calls
	if response, entry := s.send(t, get("/strict")); response.Status != 503 || s.calls != calls || entry.Billing.Stamp != "" {
		t.Errorf("without degradation: status %d, %d upstream calls, stamp %q", response.Status, s.calls-calls, entry.Billing.Stamp)
	}
	if err := s.runner.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	await(t, "a stamp after the runner went on", stamped)
}

// await polls until the condition holds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func TestManyAtOnce(t *testing.T) {
	s := newStand(t, func(c *Config, _ *extplugin.RunnerConfig) {
		c.Global.Logger = &rocketlog.Conf{Topic: "all", LogFormat: apisixlog.Format{"stamp": "$http_x_billing_stamp", "id": "$request_id"}}
	})
	const workers, each = 8, 50
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range each {
				if _, err := s.Do(t.Context(), get("/open")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	ids, sequences := map[string]bool{}, map[uint64]bool{}
	for _, m := range s.messages {
		if m.Topic != "all" {
			continue
		}
		var entries []struct{ Stamp, ID string }
		if err := json.Unmarshal(m.Body, &entries); err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			ids[entry.ID] = true
			sequences[s.open(t, entry.Stamp).Sequence] = true
		}
	}
	if len(ids) != workers*each || len(sequences) != workers*each || len(s.truths) != workers*each {
		t.Errorf("%d IDs, %d sequences, %d observed, want %d each", len(ids), len(sequences), len(s.truths), workers*each)
	}
	for _, truth := range s.truths {
		if !ids[truth.RequestID] || truth.Entries != 2 || truth.Usage.Total() != 20 || !truth.Stamped {
			t.Fatalf("truth %+v", truth)
		}
	}
}

func filler(n int) []nginx.Field {
	fields := make([]nginx.Field, n)
	for i := range fields {
		fields[i] = nginx.Field{Name: fmt.Sprintf("X-Filler-%d", i), Value: "f"}
	}
	return fields
}
