package gateway

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"sync"
	"testing"

	"gateway-billing.internal/shared/testkit/gateway/extplugin"
	"gateway-billing.internal/shared/testkit/gateway/nginx"
	"gateway-billing.internal/shared/testkit/gateway/rocketlog"
	"gateway-billing.internal/shared/testkit/gateway/upstream"
)

// inbox keeps the entries that reach RocketMQ, one a message.
type inbox struct {
	mu      sync.Mutex
	entries []map[string]any
}

func (b *inbox) Send(_ context.Context, m rocketlog.Message) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var entry map[string]any
	err := json.Unmarshal(m.Body, &entry)
	b.entries = append(b.entries, entry)
	return err
}

// do sends one request through a gateway with this configuration, and returns the answer and its entries.
func do(t *testing.T, config Config, request Request) (Response, []map[string]any) {
	t.Helper()
	var broker inbox
	config.Sender = &broker
	g, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	response, err := g.Do(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	return response, broker.entries
}

// at reads a member by its path.
func at(entry map[string]any, path ...string) any {
	var value any = entry
	for _, name := range path {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	return value
}

func TestTheTruthIsToldBeforeTheEntryIsMade(t *testing.T) {
	var truths []Truth
	var broker inbox
	var g *Gateway
	g, err := New(Config{
		Sender: &broker, APIKeys: map[string]string{"k": "acme"},
		Observe: func(truth Truth) {
			truths = append(truths, truth)
			if made := g.Stats().Entries; made != len(truths)-1 {
				t.Errorf("%d entries made before request %d was observed", made, len(truths))
			}
		},
		Routes: []Route{{ID: "r", Prefix: "/", KeyAuth: true, Upstream: upstream.ByQuery, Plugins: Plugins{Logger: withBodies()}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	key := nginx.Field{Name: "apikey", Value: "k"}
	aborted := get("/?stream=3&prompt=1&completion=2", key)
	aborted.Abort = AbortMidStream
	for _, request := range []Request{get("/?prompt=10&completion=5", key), get("/?status=502", key), aborted, get("/")} {
		if _, err := g.Do(t.Context(), request); err != nil {
			t.Fatal(err)
		}
		if err := g.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []struct {
		consumer string
		status   int
		tokens   int64
	}{{"acme", 200, 15}, {"acme", 502, 0}, {"acme", 200, 0}, {"", 401, 0}} {
		got := truths[i]
		var tokens int64
		if got.Usage != nil {
			tokens = got.Usage.Total()
		}
		if got.Consumer != want.consumer || got.Status != want.status || tokens != want.tokens || got.Route != "r" || got.Entries != 1 {
			t.Errorf("request %d: %+v, want %+v", i, got, want)
		}
		if start, _ := at(broker.entries[i], "start_time").(float64); int64(start) != got.Start.UnixMilli() {
			t.Errorf("request %d: start %v in the entry, %d observed", i, start, got.Start.UnixMilli())
		}
	}
}

func TestARequestThatWasCancelledNeverHappened(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var broker inbox
	g, err := New(Config{
		Sender:  &broker,
		Observe: func(Truth) { t.Error("observed") },
		Routes: []Route{{ID: "r", Prefix: "/", Plugins: Plugins{Logger: withBodies()}, Upstream: func(upstream.Call) upstream.Answer {
			cancel()
			return upstream.Text("ok")
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Do(ctx, get("/")); err == nil {
		t.Error("no error")
	}
	if g.Flush(t.Context()); len(broker.entries) != 0 {
		t.Errorf("%d entries", len(broker.entries))
	}
}

func TestTwoLoggersShareTheCollectedResponseBody(t *testing.T) {
	bare := &rocketlog.Conf{Topic: "bare", BatchMaxSize: 1}
	cut := &rocketlog.Conf{Topic: "cut", BatchMaxSize: 1, IncludeResponseBody: true, MaxResponseBody: 4}
	_, entries := do(t, Config{
		Global: Plugins{Logger: bare},
		Routes: []Route{{ID: "r", Prefix: "/", Upstream: upstream.Fixed(upstream.Text("0123456789")), Plugins: Plugins{Logger: cut}}},
	}, get("/"))
	if len(entries) != 2 || at(entries[0], "response", "body") != "0123" || at(entries[1], "response", "body") != "0123" {
		t.Errorf("entries %v, want the cut body in both", entries)
	}
}

func TestAnswersOfTheGatewayItself(t *testing.T) {
	down := fakeRunner{down: true}
	refuse := Plugins{PostReq: &ExtPlugin{}, Logger: withBodies()}
	for name, c := range map[string]struct {
		config  Config
		request Request
		status  int
		body    string
	}{
		"no such key": {Config{Routes: []Route{{ID: "r", Prefix: "/", KeyAuth: true, Upstream: upstream.ByQuery, Plugins: Plugins{Logger: withBodies()}}}},
			get("/", nginx.Field{Name: "apikey", Value: "wrong"}), 401, "Invalid API key in request"},
		"no runner": {Config{Runner: down, Routes: []Route{{ID: "r", Prefix: "/", Upstream: upstream.ByQuery, Plugins: refuse}}},
			get("/"), 503, "503 Service Temporarily Unavailable"},
		"the upstream is too slow": {Config{Routes: []Route{{ID: "r", Prefix: "/", Upstream: upstream.Fixed(upstream.Answer{Failure: upstream.TimedOut}), Plugins: Plugins{Logger: withBodies()}}}},
			get("/"), 504, "504 Gateway Time-out"},
		"the runner answers": {Config{Runner: stopping{}, Routes: []Route{{ID: "r", Prefix: "/", Upstream: upstream.ByQuery, Plugins: refuse}}},
			get("/"), 403, "go away"},
	} {
		t.Run(name, func(t *testing.T) {
			response, entries := do(t, c.config, c.request)
			if response.Status != c.status || !strings.Contains(string(response.Body), c.body) {
				t.Errorf("answer %d %s", response.Status, response.Body)
			}
			body, _ := at(entries[0], "response", "body").(string)
			if at(entries[0], "response", "status") != float64(c.status) || !strings.Contains(body, c.body) {
				t.Errorf("entry %v", entries[0])
			}
			if upstreamMember := at(entries[0], "upstream"); (upstreamMember != nil) != (c.status == 504) {
				t.Errorf("upstream = %v", upstreamMember)
			}
		})
	}
}

// stopping is a runner whose plugin answers every request.
type stopping struct{}

func (stopping) Call(context.Context, string, extplugin.Conf, *nginx.Exchange) (extplugin.Action, error) {
	return extplugin.Action{Stop: &extplugin.Stop{Status: 403, Body: []byte("go away")}}, nil
}

func TestCredentialsAreHiddenOnRequest(t *testing.T) {
	for hide, want := range map[bool]any{false: "k", true: nil} {
		_, entries := do(t, Config{
			APIKeys: map[string]string{"k": "acme"},
			Routes:  []Route{{ID: "r", Prefix: "/", KeyAuth: true, HideCredentials: hide, Upstream: upstream.ByQuery, Plugins: Plugins{Logger: withBodies()}}},
		}, get("/", nginx.Field{Name: "apikey", Value: "k"}))
		if got := at(entries[0], "request", "headers", "apikey"); got != want {
			t.Errorf("hide_credentials %v: apikey %v, want %v", hide, got, want)
		}
	}
}

func TestRoutesMatchByTheLongestPrefix(t *testing.T) {
	route := func(id, prefix string) Route {
		return Route{ID: id, Prefix: prefix, Upstream: upstream.ByQuery, Plugins: Plugins{Logger: withBodies()}}
	}
	config := Config{Routes: []Route{route("all", "/"), route("v1", "/v1/"), route("chat", "/v1/chat")}}
	for uri, want := range map[string]string{"/": "all", "/v1": "all", "/v1/x?y=/v1/chat": "v1", "/v1/chat/completions": "chat"} {
		if _, entries := do(t, config, get(uri)); at(entries[0], "route_id") != want {
			t.Errorf("%s matched %v, want %s", uri, at(entries[0], "route_id"), want)
		}
	}
}

func TestAConfigurationThatLacksItsParts(t *testing.T) {
	_, err := New(Config{
		Global: Plugins{Logger: withBodies()},
		Routes: []Route{{ID: "r", Prefix: "v1", Plugins: Plugins{PostReq: BillingKeys("{}")}}},
	})
	for _, want := range []string{"route r: prefix", "route r: no upstream", "route r: external plugin without a runner", "global rule: logger without a sender"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

func TestTwoEqualLoggersPutARequestTwiceIntoOneMessage(t *testing.T) {
	var messages []rocketlog.Message
	conf := rocketlog.Conf{Topic: "t", IncludeResponseBody: true}
	other := conf
	g, err := New(Config{
		Sender: rocketlog.SenderFunc(func(_ context.Context, m rocketlog.Message) error { messages = append(messages, m); return nil }),
		Global: Plugins{Logger: &conf},
		Routes: []Route{{ID: "r", Prefix: "/", Upstream: upstream.ByQuery, Plugins: Plugins{Logger: &other}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Do(t.Context(), get("/?prompt=1")); err != nil {
		t.Fatal(err)
	}
	if err := g.Flush(t.Context()); err != nil || len(messages) != 1 {
		t.Fatalf("%d messages, %v", len(messages), err)
	}
	var entries []map[string]any
	if err := json.Unmarshal(messages[0].Body, &entries); err != nil || len(entries) != 2 || !reflect.DeepEqual(entries[0], entries[1]) {
		t.Errorf("%v: entries %v", err, entries)
	}
}

func TestAnUpstreamThatTheGatewayTriedBefore(t *testing.T) {
	answer := upstream.Text("ok")
	answer.Failed = []string{"127.0.0.1:1"}
	_, entries := do(t, Config{Routes: []Route{{ID: "r", Prefix: "/", Address: "127.0.0.1:2", Upstream: upstream.Fixed(answer), Plugins: Plugins{Logger: withBodies()}}}}, get("/"))
	if got := at(entries[0], "upstream"); got != "127.0.0.1:1, 127.0.0.1:2" {
		t.Errorf("upstream %v", got)
	}
}
