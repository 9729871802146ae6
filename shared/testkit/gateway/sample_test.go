package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"gateway-billing.internal/shared/testkit/gateway/apisixlog"
	"gateway-billing.internal/shared/testkit/gateway/extplugin"
	"gateway-billing.internal/shared/testkit/gateway/nginx"
	"gateway-billing.internal/shared/testkit/gateway/rocketlog"
	"gateway-billing.internal/shared/testkit/gateway/upstream"
)

// sample describes a request that a real APISIX logged, so that the stand-in's entry can be held against the real one.
type sample struct {
	file     string
	request  Request
	route    Route
	global   Plugins
	metadata rocketlog.Metadata
	// runnerDown makes every call of the runner fail.
	runnerDown bool
	// lax names members whose value may differ; their names and types never may.
	lax []string
}

const chatBody = `{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}`
const streamBody = `{"model":"gpt-4o-mini","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hi"}]}`

var usage = upstream.Usage{Prompt: 12, Completion: 8, Cached: 4, Reasoning: 2}

// curl is a request by curl; a body is JSON.
func curl(method, uri, body string, extra ...nginx.Field) Request {
	header := nginx.Header{{Name: "Host", Value: "127.0.0.1:9080"}, {Name: "User-Agent", Value: "curl/7.88.1"}, {Name: "Accept", Value: "*/*"}}
	if body != "" && !slices.ContainsFunc(extra, func(f nginx.Field) bool { return f.Name == "content-type" }) {
		header.Add("content-type", "application/json")
	}
	return Request{Method: method, URI: uri, Header: append(header, extra...), Body: []byte(body)}
}

// script is a request by the program that broke off its requests.
func script(uri, body string, abort Abort, after time.Duration) Request {
	return Request{Method: "POST", URI: uri, Body: []byte(body), Abort: abort, AbortAfter: after, Header: nginx.Header{
		{Name: "Host", Value: "127.0.0.1:9080"}, {Name: "Content-Type", Value: "application/json"},
		{Name: "apikey", Value: "alice-key"},
	}}
}

var apikey = nginx.Field{Name: "apikey", Value: "alice-key"}

func withBodies() *rocketlog.Conf {
	return &rocketlog.Conf{Topic: "t", BatchMaxSize: 1, IncludeRequestBody: true, IncludeResponseBody: true}
}

func stamping() *ExtPlugin {
	return &ExtPlugin{Conf: extplugin.Conf{{Name: "stamp"}}, AllowDegradation: true}
}

func before() Plugins { return Plugins{PreReq: stamping(), Logger: withBodies()} }
func after() Plugins  { return Plugins{PostReq: stamping(), Logger: withBodies()} }

func answerWithLatency(a upstream.Answer, ms int) upstream.Func {
	a.Latency = time.Duration(ms) * time.Millisecond
	return upstream.Fixed(a)
}

func samples() []sample {
	chat := func(plugins Plugins, answer upstream.Answer, ms int) Route {
		return Route{ID: "chat", Prefix: "/v1", KeyAuth: true, Plugins: plugins, Upstream: answerWithLatency(answer, ms)}
	}
	r1 := func(plugins Plugins, ms int) Route {
		route := chat(plugins, upstream.Chat(usage), ms)
		route.ID = "r1"
		return route
	}
	open := func(answer upstream.Answer, ms int) Route {
		return Route{ID: "open", Prefix: "/open", Plugins: before(), Upstream: answerWithLatency(answer, ms)}
	}
	limited := before()
	limited.Logger.MaxRequestBody, limited.Logger.MaxResponseBody = 40, 200
	echo := func(text string) upstream.Answer {
		answer := upstream.Text(text)
		answer.Header.Set("Content-Type", "application/json")
		return answer
	}
	gzipped := upstream.Chat(usage)
	gzipped.Gzip = true
	failing := echo(`{"error":{"code":500}}`)
	failing.Status = 500

	return []sample{
		{file: "plain-json.jsonl", request: curl("POST", "/v1/chat/completions", chatBody, apikey), route: chat(before(), upstream.Chat(usage), 2)},
		{file: "sse.jsonl", request: curl("POST", "/v1/chat/completions", streamBody, apikey), route: chat(before(), upstream.Stream(usage, 3), 1)},
		{file: "gzip.jsonl", request: curl("POST", "/v1/chat/completions?gzip=1", chatBody, apikey, nginx.Field{Name: "accept-encoding", Value: "gzip"}),
			route: chat(before(), gzipped, 1), lax: []string{"response.size", "response.headers.content-length"}},
		{file: "anonymous.jsonl", request: curl("POST", "/open/v1/chat/completions?a=1&b=2&b=3&flag", chatBody), route: open(upstream.Chat(usage), 1)},
		{file: "get-nobody.jsonl", request: curl("GET", "/open/small", ""), route: open(upstream.Text("ok\n"), 1)},
		{file: "dup-headers.jsonl", request: curl("GET", "/open/small", "", nginx.Field{Name: "x-dup", Value: "a"}, nginx.Field{Name: "X-Dup", Value: "b"}),
			route: open(upstream.Text("ok\n"), 1)},
		{file: "upstream-500.jsonl", request: curl("GET", "/open/status?code=500", ""), route: open(failing, 0)},
		{file: "unauth-401.jsonl", request: curl("POST", "/v1/chat/completions", chatBody), route: chat(before(), upstream.Chat(usage), 2)},
		{file: "chunked-request.jsonl", request: chunked(curl("POST", "/v1/chat/completions", chatBody, apikey)), route: chat(before(), upstream.Chat(usage), 1)},
		{file: "upstream-down-502.jsonl", request: curl("POST", "/down/x", chatBody),
			route: Route{ID: "down", Prefix: "/down", Plugins: before(), Address: "127.0.0.1:1", Upstream: upstream.Fixed(upstream.Answer{Failure: upstream.Refused})}},
		{file: "no-bodies.jsonl", request: curl("POST", "/nobody/v1/chat/completions", chatBody),
			route: Route{ID: "nobody", Prefix: "/nobody", Plugins: Plugins{PreReq: stamping(), Logger: &rocketlog.Conf{BatchMaxSize: 1}}, Upstream: answerWithLatency(upstream.Chat(usage), 1)}},
		{file: "sse-truncated.jsonl", request: curl("POST", "/lim/v1/chat/completions", streamBody),
			route: Route{ID: "lim", Prefix: "/lim", Plugins: limited, Upstream: answerWithLatency(upstream.Stream(usage, 3), 1)}},
		{file: "service-route.jsonl", request: curl("GET", "/svc/x", ""),
			route: Route{ID: "svc", ServiceID: "s1", Prefix: "/svc", Plugins: before(), Upstream: answerWithLatency(echo(loggedBody("service-route.jsonl")), 0)}},
		{file: "binary-request-body.bin", request: curl("POST", "/bin/x", everyByte(), nginx.Field{Name: "content-type", Value: "application/octet-stream"}),
			route: Route{ID: "bin", Prefix: "/bin", Plugins: Plugins{Logger: withBodies()}, Upstream: answerWithLatency(echo(loggedBody("binary-request-body.bin")), 1)}},
		{file: "cut-in-utf8.bin", request: curl("POST", "/lim/x", `{"a":"x`+strings.Repeat("é", 40)+`"}`),
			route: Route{ID: "lim", Prefix: "/lim", Plugins: Plugins{Logger: &rocketlog.Conf{BatchMaxSize: 1, IncludeRequestBody: true, MaxRequestBody: 40, IncludeResponseBody: true, MaxResponseBody: 60}},
				Upstream: answerWithLatency(echo(padded(loggedBody("cut-in-utf8.bin"), 352)), 1)}},
		{file: "resp-truncated.jsonl", request: curl("POST", "/lim/v1/chat/completions?size=5000", chatBody),
			route: Route{ID: "lim", Prefix: "/lim", Plugins: limited, Upstream: answerWithLatency(echo(padded(loggedBody("resp-truncated.jsonl"), 5344)), 1)}},
		{file: "unmatched-404.jsonl", request: curl("POST", "/nothing/here", chatBody), global: Plugins{Logger: &rocketlog.Conf{BatchMaxSize: 1, IncludeRequestBody: true}}},
		{file: "rocketmq-global-ext-404.jsonl", request: curl("GET", "/zzz", ""), global: after()},
		{file: "rocketmq-route.jsonl", request: curl("POST", "/v1/chat/completions", chatBody, apikey), route: r1(after(), 1)},
		{file: "rocketmq-global.jsonl", request: curl("POST", "/v1/chat/completions", chatBody, apikey), route: r1(Plugins{PostReq: stamping()}, 0), global: Plugins{Logger: withBodies()}},
		{file: "rocketmq-meta-extra.jsonl", request: curl("POST", "/v1/chat/completions", chatBody, apikey), route: r1(after(), 0),
			metadata: rocketlog.Metadata{LogFormatExtra: apisixlog.Format{"billing_request_id": "$http_x_billing_request_id", "billing_consumer": "$http_x_billing_consumer"}}},
		{file: "runner-down-degraded.jsonl", request: curl("GET", "/postd/echo", "", apikey), runnerDown: true,
			route: Route{ID: "postd", Prefix: "/postd", KeyAuth: true, Plugins: after(), Upstream: answerWithLatency(echo(loggedBody("runner-down-degraded.jsonl")), 1)}},
		{file: "log_format.jsonl", request: curl("GET", "/fmt", "", apikey), route: Route{ID: "fmt", Prefix: "/fmt", KeyAuth: true, Upstream: upstream.Fixed(upstream.Text("ok\n")),
			Plugins: Plugins{PostReq: stamping(), Logger: &rocketlog.Conf{BatchMaxSize: 1, LogFormat: apisixlog.Format{
				"request_id": "$http_x_billing_request_id", "status": "$status", "consumer": "$consumer_name", "nothing": "$http_x_nothing"}}}}},
		{file: "abort-499-before-response.jsonl", request: script("/v1/chat/completions?first_ms=3000", chatBody, AbortBeforeAnswer, 400*time.Millisecond),
			route: r1(after(), 3000)},
		{file: "abort-midstream.jsonl", request: script("/v1/chat/completions?chunks=50&delay_ms=100", streamBody, AbortMidStream, 606*time.Millisecond),
			route: Route{ID: "r1", Prefix: "/v1", KeyAuth: true, Plugins: after(), Upstream: upstream.Fixed(upstream.Stream(usage, 50))},
			lax:   []string{"request.size", "response.size"}},
	}
}

func TestEntriesEqualTheRealGateways(t *testing.T) {
	for _, s := range samples() {
		t.Run(s.file, func(t *testing.T) {
			want := decodeSample(t, s.file)
			got := entryOf(t, s, want)
			for _, path := range append(s.lax, "response.headers.date") {
				relax(got, want, strings.Split(path, "."))
			}
			compare(t, "", got, want)
		})
	}
}

// entryOf lets the stand-in log the sample's request, at the sample's time and with the runner's values in it.
func entryOf(t *testing.T, s sample, want map[string]any) map[string]any {
	start, latency, upstreamLatency := 1795347865715.0, 1.0, 0.0
	if _, isDefault := want["start_time"]; isDefault {
		start, latency = want["start_time"].(float64), want["latency"].(float64)
		upstreamLatency, _ = want["upstream_latency"].(float64)
	}
	now := time.UnixMilli(int64(start))
	started := false
	var messages []rocketlog.Message
	config := Config{
		Runner:   fakeRunner{id: wantID(want), down: s.runnerDown},
		Sender:   rocketlog.SenderFunc(func(_ context.Context, m rocketlog.Message) error { messages = append(messages, m); return nil }),
		Metadata: s.metadata,
		Global:   s.global,
		APIKeys:  map[string]string{"alice-key": "alice"},
		Server:   apisixlog.Server{Hostname: "vm", Version: "3.18.0"},
		Now: func() time.Time {
			if started {
				return now.Add(time.Duration(latency+0.5-upstreamLatency) * time.Millisecond)
			}
			started = true
			return now
		},
	}
	if s.route.ID != "" {
		config.Routes = []Route{s.route}
	}
	g, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Do(t.Context(), s.request); err != nil {
		t.Fatal(err)
	}
	if err := g.Flush(t.Context()); err != nil || len(messages) != 1 {
		t.Fatalf("%d messages, want 1 (%v)", len(messages), err)
	}
	var got map[string]any
	if err := json.Unmarshal(messages[0].Body, &got); err != nil {
		t.Fatalf("%v in %s", err, messages[0].Body)
	}
	return got
}

// fakeRunner sets the headers that the plugin behind the samples set.
type fakeRunner struct {
	id   string
	down bool
}

func (r fakeRunner) Call(_ context.Context, _ string, _ extplugin.Conf, x *nginx.Exchange) (extplugin.Action, error) {
	if r.down {
		return extplugin.Action{}, errors.New("down")
	}
	consumer := x.Consumer
	if consumer == "" {
		consumer = "anonymous"
	}
	return extplugin.Action{
		Request: []extplugin.Change{{Name: "X-Billing-Request-Id", Value: r.id}, {Name: "X-Billing-Consumer", Value: consumer}},
		Answer:  nginx.Header{{Name: "X-Billing-Request-Id", Value: r.id}},
	}, nil
}

func wantID(want map[string]any) string {
	if id, ok := want["request_id"].(string); ok {
		return id
	}
	if request, ok := want["request"].(map[string]any); ok {
		id, _ := request["headers"].(map[string]any)["x-billing-request-id"].(string)
		return id
	}
	return ""
}

// compare reports every member that differs in name, type or value.
func compare(t *testing.T, path string, got, want any) {
	gotObject, ok1 := got.(map[string]any)
	wantObject, ok2 := want.(map[string]any)
	if !ok1 || !ok2 {
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s = %#v, the real gateway wrote %#v", path, got, want)
		}
		return
	}
	names := maps.Clone(wantObject)
	maps.Copy(names, gotObject)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		gotMember, made := gotObject[name]
		wantMember, written := wantObject[name]
		switch {
		case !made:
			t.Errorf("%s.%s is missing, the real gateway wrote %#v", path, name, wantMember)
		case !written:
			t.Errorf("%s.%s = %#v, the real gateway wrote no such member", path, name, gotMember)
		default:
			compare(t, path+"."+name, gotMember, wantMember)
		}
	}
}

// relax puts the sample's value at path in place of the stand-in's where both have the same type.
func relax(got, want map[string]any, path []string) {
	for _, name := range path[:len(path)-1] {
		got, _ = got[name].(map[string]any)
		want, _ = want[name].(map[string]any)
	}
	last := path[len(path)-1]
	if want[last] != nil && got[last] != nil && reflect.TypeOf(got[last]) == reflect.TypeOf(want[last]) {
		got[last] = want[last]
	}
}

func decodeSample(t *testing.T, file string) map[string]any {
	var want map[string]any
	if err := json.Unmarshal(readSample(file), &want); err != nil {
		t.Fatal(err)
	}
	return want
}

// sampleDir has entries of a real gateway, the ones that logentry is held against too.
const sampleDir = "../../logentry/testdata/apisix-3.18/"

func readSample(file string) []byte {
	raw, err := os.ReadFile(sampleDir + file)
	if err != nil {
		panic(err)
	}
	return bytes.TrimSpace(raw)
}

// loggedBody is the response body of a sample: what the upstream, an echo, answered.
func loggedBody(file string) string {
	var entry struct{ Response struct{ Body string } }
	if err := json.Unmarshal(readSample(file), &entry); err != nil {
		panic(err)
	}
	return entry.Response.Body
}

func padded(head string, size int) string { return head + strings.Repeat(" ", size-len(head)) }

func chunked(r Request) Request {
	r.Chunked = true
	return r
}

func everyByte() string {
	var all []byte
	for i := range 256 {
		all = append(all, byte(i))
	}
	return string(all)
}

func TestABatchEqualsTheRealGateways(t *testing.T) {
	var wants []map[string]any
	if err := json.Unmarshal(readSample("rocketmq-array3.jsonl"), &wants); err != nil {
		t.Fatal(err)
	}
	s := sample{request: curl("POST", "/arr/v1/chat/completions", chatBody, apikey)}
	for _, want := range wants {
		s.route = Route{ID: "arr", Prefix: "/arr", KeyAuth: true, Plugins: after(),
			Upstream: answerWithLatency(upstream.Chat(usage), int(want["upstream_latency"].(float64)))}
		got := entryOf(t, s, want)
		relax(got, want, []string{"response", "headers", "date"})
		compare(t, "", got, want)
	}
}
