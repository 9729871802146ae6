package main_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gateway-billing.internal/shared/testkit/gateway"
	"gateway-billing.internal/shared/testkit/gateway/extplugin"
	"gateway-billing.internal/shared/testkit/gateway/nginx"
	"gateway-billing.internal/shared/testkit/gateway/rocketlog"
	"gateway-billing.internal/shared/testkit/gateway/upstream"
)

// site is a gateway with the built runner in front of a running consumer, and what really happened there.
type site struct {
	*world
	*gateway.Gateway
	runner *extplugin.Runner
	keys   string

	mu     sync.Mutex
	truths []gateway.Truth
	bodies [][]byte
}

// newSite has the routes /v1 (API key, plugin), /open (plugin), /bare (API key, no plugin), /nobody (neither), /orders,
// /tenants (with dimensions) and /late (as /v1, but its logger keeps what it has until it is told to send it).
func newSite(t *testing.T, metadata rocketlog.Metadata) *site {
	t.Helper()
	s := &site{world: newWorld(t, "")}
	keys := "k1:" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32)))
	s.keys = keys
	s.extra = "stamp:\n  keys: " + keys + "\n"
	path := filepath.Join(t.TempDir(), "billing-runner")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", path, ".")
	build.Dir = filepath.Join("..", "plugin")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the runner: %v\n%s", err, out)
	}
	runner, err := extplugin.NewRunner(extplugin.RunnerConfig{
		Command: []string{path}, Env: []string{"BILLING_STAMP_KEYS=" + keys, "BILLING_RUNNER_LOG_LEVEL=error"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := runner.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.runner = runner
	send := s.producer(t)
	logger := &rocketlog.Conf{Topic: s.topic, BatchMaxSize: 1, IncludeRequestBody: true, IncludeResponseBody: true}
	stamped := gateway.Plugins{PostReq: gateway.BillingKeys(`{"idempotency_header":"Idempotency-Key"}`), Logger: logger}
	bare := gateway.Plugins{Logger: logger}
	late := stamped
	late.Logger = &rocketlog.Conf{Topic: s.topic, InactiveTimeout: time.Hour, BufferDuration: time.Hour}
	tenants := stamped
	tenants.PostReq = gateway.BillingKeys(`{"dimensions":{"tenant":"header:X-Tenant","user":"header:X-End-User","project":"var:arg_project"}}`)
	order := func(call upstream.Call) upstream.Answer {
		if strings.Contains(call.URI, "status=") {
			return upstream.ByQuery(call)
		}
		return upstream.Text("ok")
	}
	s.Gateway, err = gateway.New(gateway.Config{
		Runner: runner, Metadata: metadata,
		Sender: rocketlog.SenderFunc(func(_ context.Context, m rocketlog.Message) error {
			s.mu.Lock()
			s.bodies = append(s.bodies, m.Body)
			s.mu.Unlock()
			send(m.Body)
			return nil
		}),
		Routes: []gateway.Route{
			{ID: "chat", Prefix: "/v1", KeyAuth: true, Plugins: stamped, Upstream: upstream.ByQuery},
			{ID: "open", Prefix: "/open", Plugins: stamped, Upstream: upstream.ByQuery},
			{ID: "bare", Prefix: "/bare", KeyAuth: true, Plugins: bare, Upstream: upstream.ByQuery},
			{ID: "nobody", Prefix: "/nobody", Plugins: bare, Upstream: upstream.ByQuery},
			{ID: "late", Prefix: "/late", KeyAuth: true, Plugins: late, Upstream: upstream.ByQuery},
			{ID: "tenants", Prefix: "/tenants", KeyAuth: true, Plugins: tenants, Upstream: upstream.ByQuery},
			{ID: "orders", Prefix: "/orders", KeyAuth: true, Plugins: stamped, Upstream: order},
		},
		APIKeys: map[string]string{"alice-key": "alice", "bob-key": "bob"},
		Observe: func(truth gateway.Truth) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.truths = append(s.truths, truth)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.start(t)
	return s
}

// request sends a request, with the lines in front of whose key comes last.
func (s *site) request(t *testing.T, uri, key string, lines ...nginx.Field) {
	t.Helper()
	header := append(nginx.Header{{Name: "Host", Value: "gateway"}}, lines...)
	if key != "" {
		header = append(nginx.Header{{Name: "apikey", Value: key}}, header...)
	}
	if _, err := s.Do(t.Context(), gateway.Request{Method: "POST", URI: uri, Header: header}); err != nil {
		t.Fatal(err)
	}
}

// recorded waits until each request is a record.
func (s *site) recorded(t *testing.T) {
	t.Helper()
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, 120*time.Second, "a record of each request", func() bool { return s.records(t) >= len(s.truths) })
	s.settled(t)
}

// Whatever headers a client sends, each request is one record, billed to who really made it, with its tokens; that of
// another is changed by none. With the gateway's own word in the entries, and without.
func TestNobodyIsBilledForAnother(t *testing.T) {
	t.Parallel()
	for name, metadata := range map[string]rocketlog.Metadata{
		"billing object": {LogFormatExtra: rocketlog.BillingExtra()},
		"older gateway":  {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, metadata)
			s.request(t, "/v1/chat?prompt=1", "alice-key", nginx.Field{Name: "Idempotency-Key", Value: "alices"})
			if err := s.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			var first struct {
				Request struct{ Headers map[string]any }
			}
			if err := json.Unmarshal(s.bodies[0], &first); err != nil {
				t.Fatal(err)
			}
			stamp, _ := first.Request.Headers["x-billing-stamp"].(string)
			if !strings.HasPrefix(stamp, "v1.k1.") {
				t.Fatalf("no stamp of alice to repeat: %q", stamp)
			}
			line := func(name, value string) nginx.Field { return nginx.Field{Name: name, Value: value} }
			id := s.truths[0].RequestID
			spoofs := map[string][]nginx.Field{
				"nothing":         nil,
				"own names":       {line("X-Billing-Stamp", stamp), line("X-Billing-Request-Id", id), line("X-Billing-Consumer", "alice")},
				"underscores":     {line("X_Billing_Stamp", stamp), line("x_billing-request_id", id), line("X_BILLING_CONSUMER", "alice")},
				"repeated":        {line("X-Billing-Stamp", stamp), line("X-Billing-Stamp", "v0.AAAA"), line("x-billing-stamp", stamp), line("X_Billing_Stamp", stamp)},
				"another's name":  {line("X-Consumer-Username", "alice"), line("X-Credential-Identifier", "alice")},
				"idempotency key": {line("Idempotency-Key", "alices"), line("X-Billing-Stamp", stamp)},
			}
			var flood []nginx.Field
			for i := range 200 {
				flood = append(flood, line(fmt.Sprintf("X-Extra-%d", i), "x"))
			}
			spoofs["200 lines more in front"] = append(append([]nginx.Field(nil), flood...), spoofs["own names"]...)
			spoofs["200 lines more behind"] = append(append([]nginx.Field(nil), spoofs["own names"]...), flood...)
			tokens := 1
			for _, lines := range spoofs {
				for _, to := range []struct{ path, key string }{
					{"/v1/chat", "bob-key"}, {"/v1/chat", "alice-key"}, {"/open/chat", ""}, {"/bare/chat", "bob-key"},
					{"/bare/chat", "alice-key"}, {"/nobody/chat", ""},
				} {
					tokens++
					s.request(t, fmt.Sprintf("%s?prompt=%d", to.path, tokens), to.key, lines...)
				}
			}
			s.recorded(t)

			for _, truth := range s.truths {
				n := s.count(t, `SELECT COUNT(*) FROM mq_consume_log WHERE request_time = ? AND consumer = ? AND route_id = ?
					AND total_tokens = ? AND billable AND usage_state = 'exact'`,
					truth.Start.UTC().Format("2006-01-02 15:04:05.000"), truth.Consumer, truth.Route, truth.Usage.Total())
				if n != 1 {
					t.Errorf("%d records of %+v", n, truth)
				}
			}
			if n := s.records(t); n != len(s.truths) {
				t.Errorf("%d records of %d requests", n, len(s.truths))
			}
			if n := s.count(t, "SELECT COALESCE(SUM(records), 0) FROM "+sums+" WHERE billable"); n != len(s.truths) {
				t.Errorf("%d billed of %d requests", n, len(s.truths))
			}
			if n := s.count(t, "SELECT COUNT(*) FROM dead_letter") + s.count(t, "SELECT SUM(duplicates) FROM mq_consume_log"); n != 0 {
				t.Errorf("%d dead letters and duplicates", n)
			}
			if n := s.count(t, `SELECT COUNT(*) FROM mq_consume_log WHERE key_state = 'verified' AND route_id IN ('bare', 'nobody')
				AND consumer <> 'alice'`); n != 0 {
				t.Errorf("%d requests without the plugin are believed under alice's stamp", n)
			}
		})
	}
}

// An order sent three times is three records and one bill; another APISIX consumer's is its own; of a failed attempt and
// the success behind it, the success is billed.
func TestOrderSentThreeTimes(t *testing.T) {
	t.Parallel()
	s := newSite(t, rocketlog.Metadata{LogFormatExtra: rocketlog.BillingExtra()})
	key := func(value string) nginx.Field { return nginx.Field{Name: "Idempotency-Key", Value: value} }
	for range 3 {
		s.request(t, "/orders/new", "alice-key", key("order-1"))
	}
	for range 2 {
		s.request(t, "/orders/new", "bob-key", key("order-1"))
	}
	s.request(t, "/orders/new?status=502", "alice-key", key("order-2"))
	s.request(t, "/orders/new", "alice-key", key("order-2"))
	s.recorded(t)
	var got string
	row := s.db.QueryRowContext(t.Context(), `SELECT GROUP_CONCAT(line ORDER BY line SEPARATOR '; ') FROM (
		SELECT CONCAT_WS(' ', consumer, idempotency_key, status, IF(billable, 'billed', 'not'), COUNT(*)) AS line
		FROM mq_consume_log GROUP BY consumer, idempotency_key, status, billable) AS sums`)
	if err := row.Scan(&got); err != nil {
		t.Fatal(err)
	}
	want := "alice order-1 200 billed 1; alice order-1 200 not 2; alice order-2 200 billed 1; alice order-2 502 not 1; " +
		"bob order-1 200 billed 1; bob order-1 200 not 1"
	if got != want {
		t.Errorf("recorded %s\n    want %s", got, want)
	}
	if n := s.count(t, "SELECT CAST(SUM(records) AS SIGNED) FROM "+sums+" WHERE billable"); n != 3 {
		t.Errorf("%d billed in the sums, want 3", n)
	}
	if n := s.count(t, "SELECT COUNT(DISTINCT stamp_sequence) FROM mq_consume_log WHERE stamp_sequence BETWEEN 1 AND 7"); n != 7 {
		t.Errorf("%d of the 7 numbers of the runner arrived", n)
	}
}

// What the plugin's configuration names stands on the record as JSON, to group by; what a stamp can't hold is left out, and
// marked. A client that sends too much takes nothing else with it.
func TestDimensionsAreOnTheRecord(t *testing.T) {
	t.Parallel()
	s := newSite(t, rocketlog.Metadata{LogFormatExtra: rocketlog.BillingExtra()})
	line := func(name, value string) nginx.Field { return nginx.Field{Name: name, Value: value} }
	s.request(t, "/tenants?prompt=1&project=p%C3%A9&completion=1", "alice-key", line("X-Tenant", `a "b"`), line("X-End-User", "u1"), line("x-end-user", "u2"))
	s.request(t, "/tenants?prompt=2&project=p2", "alice-key")
	s.request(t, "/tenants?prompt=3&project="+strings.Repeat("p", 3000), "bob-key", line("X-Tenant", "t3"), line("X-End-User", "\xff"))
	s.request(t, "/tenants?prompt=4", "bob-key")
	s.request(t, "/v1/chat?prompt=5&project=p5", "bob-key", line("X-Tenant", "not asked for"))
	s.recorded(t)
	for prompt, want := range map[int]string{
		1: `{"project":"p%C3%A9","tenant":"a \"b\"","user":"u1, u2"}`,
		2: `{"project":"p2"}`,
		3: `{"tenant":"t3"} cut:dimensions,cut:uri`,
		4: ``,
		5: ``,
	} {
		var got string
		row := s.db.QueryRowContext(t.Context(), `SELECT CONCAT_WS(' ', dimensions, NULLIF(marks, '')) FROM mq_consume_log
			WHERE prompt_tokens = ? AND key_state = 'verified'`, prompt)
		if err := row.Scan(&got); err != nil {
			t.Fatalf("prompt %d: %v", prompt, err)
		}
		if strings.TrimSpace(got) != want {
			t.Errorf("prompt %d: %s\nwant %s", prompt, got, want)
		}
	}
	var tenant string
	row := s.db.QueryRowContext(t.Context(), "SELECT JSON_VALUE(dimensions, '$.tenant') FROM mq_consume_log WHERE consumer = 'bob' AND dimensions IS NOT NULL")
	if err := row.Scan(&tenant); err != nil || tenant != "t3" {
		t.Errorf("by JSON: %q, %v", tenant, err)
	}
}
