package usage_test

import (
	"fmt"
	"strings"
	"testing"

	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/consumer/internal/usage"
	"gateway-billing.internal/shared/logentry"
)

const (
	jsonAnswer = `{"id":"c1","model":"gpt-4o","service_tier":"default","choices":[{"message":{"content":"hi"}}],` +
		`"usage":{"prompt_tokens":2006,"completion_tokens":300,"total_tokens":2306,` +
		`"prompt_tokens_details":{"cached_tokens":1920,"cache_write_tokens":6,"audio_tokens":3},` +
		`"completion_tokens_details":{"reasoning_tokens":128,"audio_tokens":4}}}`
	chunk      = `data: {"id":"c1","model":"gpt-4o","choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":null}],"usage":null}` + "\n\n"
	finish     = `data: {"id":"c1","model":"gpt-4o","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}` + "\n\n"
	usageChunk = `data: {"id":"c1","model":"gpt-4o","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":1,"total_tokens":10}}` + "\n\n"
	done       = "data: [DONE]\n\n"
)

// entry is a POST to a chat route with this answer.
func entry(body string) *logentry.Entry {
	status, method, uri := 200, "POST", "/v1/chat/completions?x=1"
	return &logentry.Entry{Format: logentry.Default, Status: &status, Method: &method, URI: &uri, ResponseBody: &body}
}

// short is state, source and prompt/completion/total/cached/written/reasoning/audio of a usage.
func short(u record.Usage) string {
	s := fmt.Sprintf("%s %s %d/%d/%d %d/%d/%d/%d", u.State, u.Source, u.PromptTokens, u.CompletionTokens, u.TotalTokens,
		u.CachedTokens, u.CacheWriteTokens, u.ReasoningTokens, u.AudioTokens)
	if u.Mismatch {
		s += " mismatch"
	}
	return s
}

func TestAnswers(t *testing.T) {
	withUsage := func(usage string) string { return `{"usage":` + usage + `}` }
	tests := []struct{ name, body, want string }{
		{"json", jsonAnswer, "exact body 2006/300/2306 1920/6/128/7"},
		{"json, usage before the rest", `{"usage":{"prompt_tokens":1,"completion_tokens":2},"choices":[]}`, "exact body 1/2/3 0/0/0/0"},
		{"json, cut behind its usage", `{"usage":{"prompt_tokens":1,"completion_tokens":2},"choices":[{"mess`, "partial body 1/2/3 0/0/0/0"},
		{"json, cut before its usage", jsonAnswer[:100], "missing none 0/0/0 0/0/0/0"},
		{"embeddings", withUsage(`{"prompt_tokens":8,"total_tokens":8}`), "exact body 8/0/8 0/0/0/0"},
		{"a total alone is prompt", withUsage(`{"total_tokens":56}`), "exact body 56/0/56 0/0/0/0"},
		{"prompt alone", withUsage(`{"prompt_tokens":8}`), "partial body 8/0/8 0/0/0/0"},
		{"details null", withUsage(`{"prompt_tokens":1,"completion_tokens":1,"prompt_tokens_details":null}`), "exact body 1/1/2 0/0/0/0"},
		{"the provider's total disagrees", withUsage(`{"prompt_tokens":1,"completion_tokens":1,"total_tokens":5}`), "exact body 1/1/2 0/0/0/0 mismatch"},
		{"a part larger than its whole", withUsage(`{"prompt_tokens":5,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":9}}`), "exact body 5/1/6 5/0/0/0 mismatch"},
		{"numbers as floats and strings", withUsage(`{"prompt_tokens":5.0,"completion_tokens":"1"}`), "exact body 5/1/6 0/0/0/0"},
		{"negative", withUsage(`{"prompt_tokens":-5,"completion_tokens":1}`), "partial body 0/1/1 0/0/0/0"},
		{"beyond range", withUsage(`{"prompt_tokens":1e400,"completion_tokens":99999999999999999999}`), "missing none 0/0/0 0/0/0/0"},
		{"half a token", withUsage(`{"prompt_tokens":1.5,"completion_tokens":1}`), "partial body 0/1/1 0/0/0/0"},
		{"usage of another kind", withUsage(`{"disk":5}`), "missing none 0/0/0 0/0/0/0"},
		{"usage null", withUsage(`null`), "missing none 0/0/0 0/0/0/0"},
		{"another case of the name is another member", `{"Usage":{"prompt_tokens":1,"completion_tokens":1}}`, "missing none 0/0/0 0/0/0/0"},
		{"imitated in generated text", `{"choices":[{"message":{"content":"\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":7}"}}]}`, "missing none 0/0/0 0/0/0/0"},
		{"nested under another member", `{"choices":{"usage":{"prompt_tokens":7,"completion_tokens":7}}}`, "missing none 0/0/0 0/0/0/0"},
		{"members of another shape beside it", withUsage(`{"prompt_tokens":5,"completion_tokens":1,"total_tokens":6,"input_tokens":0,"output_tokens":0}`), "exact body 5/1/6 0/0/0/0"},
		{"cumulative, cut behind the finish reason", continuous[:len(continuous)/2] + finish, "partial body 16/1/17 0/0/0/0"},
		{"usage of another shape", withUsage(`{"input_tokens":81,"output_tokens":1035,"total_tokens":1116}`), "exact body 81/1035/1116 0/0/0/0"},
		{"an empty object behind the usage", chunk + usageChunk + `data: {"choices":[],"usage":{}}` + "\n\n" + done, "exact body 9/1/10 0/0/0/0"},
		{"empty body", "", "missing none 0/0/0 0/0/0/0"},
		{"stream", chunk + finish + usageChunk + done, "exact body 9/1/10 0/0/0/0"},
		{"stream without [DONE]", chunk + finish + usageChunk, "exact body 9/1/10 0/0/0/0"},
		{"stream without its last blank line", chunk + strings.TrimSpace(usageChunk), "exact body 9/1/10 0/0/0/0"},
		{"stream without usage", chunk + finish + done, "missing none 0/0/0 0/0/0/0"},
		{"stream with CRLF", strings.ReplaceAll(chunk+usageChunk+done, "\n", "\r\n"), "exact body 9/1/10 0/0/0/0"},
		{"stream without a space", strings.ReplaceAll(chunk+usageChunk+done, "data: ", "data:"), "exact body 9/1/10 0/0/0/0"},
		{"stream with comments and events", ": ping\n\nevent: x\n" + chunk + ": ping\n" + usageChunk + done, "exact body 9/1/10 0/0/0/0"},
		{"stream of several data lines", "data: {\"choices\":[],\ndata: \"usage\":{\"prompt_tokens\":1,\ndata: \"completion_tokens\":2}}\n\n", "exact body 1/2/3 0/0/0/0"},
		{"usage on the chunk that finishes", `data: {"choices":[{"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":1}}` + "\n\n", "exact body 9/1/10 0/0/0/0"},
		{"cumulative, whole", continuous + done, "exact body 16/30/46 0/0/0/0"},
		{"cumulative, client went away", continuous, "partial body 16/30/46 0/0/0/0"},
		{"stream cut in its usage", chunk + usageChunk[:60], "missing none 0/0/0 0/0/0/0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := short(usage.Extract(entry(tt.body), "")); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// continuous repeats the usage so far on every chunk: adding them up would bill it many times.
const continuous = `data: {"choices":[{"delta":{"content":"a"}}],"usage":{"prompt_tokens":16,"total_tokens":17,"completion_tokens":1}}` + "\n\n" +
	`data: {"choices":[{"delta":{"content":"b"}}],"usage":{"prompt_tokens":16,"total_tokens":46,"completion_tokens":30}}` + "\n\n"

func TestWhatIsMetered(t *testing.T) {
	str := func(s string) *string { return &s }
	status := func(n int) *int { return &n }
	tests := []struct {
		name string
		e    logentry.Entry
		want record.UsageState
	}{
		{"no answer body on a chat path", logentry.Entry{Method: str("POST"), URI: str("/x/v1/chat/completions"), Status: status(200)}, record.UsageMissing},
		{"no answer body, the request names a model", logentry.Entry{Method: str("POST"), URI: str("/ask"), Status: status(200), RequestBody: str(`{"model":"m","mess`)}, record.UsageMissing},
		{"the client went away", logentry.Entry{Method: str("POST"), URI: str("/v1/embeddings"), Status: status(499)}, record.UsageMissing},
		{"a stored answer, read again", logentry.Entry{Method: str("GET"), URI: str("/v1/chat/completions/c1"), Status: status(200), ResponseBody: str(jsonAnswer)}, record.UsageNone},
		{"refused", logentry.Entry{Method: str("POST"), URI: str("/v1/chat/completions"), Status: status(401)}, record.UsageNone},
		{"a page", logentry.Entry{Method: str("GET"), URI: str("/v1/chat/completions"), Status: status(200), ResponseBody: str("ok\n")}, record.UsageNone},
		{"another call", logentry.Entry{Method: str("POST"), URI: str("/orders"), Status: status(200), ResponseBody: str(`{"order":1}`)}, record.UsageNone},
		{"another call, its answer cut", logentry.Entry{Method: str("POST"), URI: str("/orders"), Status: status(200), ResponseBody: str(`{"order":1,"x`)}, record.UsageMissing},
		{"nothing known", logentry.Entry{}, record.UsageNone},
	}
	for _, tt := range tests {
		if got := usage.Extract(&tt.e, "").State; got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestContentTypeThatIsWrong(t *testing.T) {
	e := entry(jsonAnswer)
	e.ResponseHeaders = logentry.HeadersOf(map[string][]string{"content-type": {"text/event-stream"}})
	if got := short(usage.Extract(e, "")); got != "exact body 2006/300/2306 1920/6/128/7" {
		t.Errorf("a document that calls itself a stream: %s", got)
	}
}

// Sums are by model, so whoever is refused must not make up models: nobody answered under them. What failed otherwise keeps its
// model.
func TestNobodyMakesModelsUp(t *testing.T) {
	for _, tt := range []struct {
		name, method, uri, body string
		status                  int
		hint                    usage.Hint
		model                   string
	}{
		{"no such route", "GET", "/model/anything/invoke", "", 404, "", ""},
		{"no such model", "POST", "/v1/chat/completions", `{"model":"anything"}`, 400, "", ""},
		{"of a route that is not metered", "POST", "/ask", `{"model":"anything"}`, 403, usage.NotMetered, ""},
		{"given up by its client", "POST", "/v1/chat/completions", `{"model":"gpt-4o"}`, 499, "", "gpt-4o"},
		{"the upstream failed", "POST", "/v1/chat/completions", `{"model":"gpt-4o"}`, 502, "", "gpt-4o"},
		{"the answer is not logged", "POST", "/v1/chat/completions", `{"model":"gpt-4o"}`, 200, "", "gpt-4o"},
	} {
		e := &logentry.Entry{Method: &tt.method, URI: &tt.uri, Status: &tt.status}
		asked := "anything"
		if tt.body != "" {
			e.RequestBody = &tt.body
		}
		if tt.model != "" {
			asked = tt.model
		}
		u := usage.Extract(e, tt.hint)
		if got := text(u.Model); got != tt.model || text(u.ModelRequested) != asked {
			t.Errorf("%s: model %q for %q", tt.name, got, text(u.ModelRequested))
		}
	}
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func TestWhatElseTheBodiesTell(t *testing.T) {
	e := entry(jsonAnswer)
	ask := `{"model":"gpt-4o-mini","stream":true,"messages":[{"rol`
	e.RequestBody = &ask
	u := usage.Extract(e, "")
	if *u.Model != "gpt-4o" || *u.ModelRequested != "gpt-4o-mini" || *u.ServiceTier != "default" || *u.ProviderResponseID != "c1" {
		t.Errorf("model %q for %q, tier %q, id %q", *u.Model, *u.ModelRequested, *u.ServiceTier, *u.ProviderResponseID)
	}
	if *u.Stream {
		t.Error("an answer of one document is no stream, whatever was asked for")
	}
	if !strings.HasPrefix(string(u.RawJSON), `{"prompt_tokens":2006`) {
		t.Errorf("raw usage %q", u.RawJSON)
	}
	aborted := entry("")
	aborted.ResponseBody, aborted.RequestBody = nil, &ask
	if u := usage.Extract(aborted, ""); u.Stream == nil || !*u.Stream {
		t.Error("a stream without an answer is still what was asked for")
	}
}

// Wherever a body is cut, its counts are never called exact unless they are the whole body's.
func TestCutAnywhereIsNeverWronglyExact(t *testing.T) {
	for _, body := range []string{jsonAnswer, chunk + finish + usageChunk + done, continuous + done, continuous + finish + usageChunk + done, usageChunk} {
		whole := usage.Extract(entry(body), "")
		for n := range len(body) {
			u := usage.Extract(entry(body[:n]), "")
			if u.State == record.UsageExact && short(u) != short(whole) {
				t.Fatalf("cut at %d: %s, the whole body gives %s", n, short(u), short(whole))
			}
		}
	}
}

func FuzzExtract(f *testing.F) {
	for _, body := range []string{jsonAnswer, chunk + usageChunk + done, continuous, "data:{\r\rdata", `{"usage":{}`} {
		f.Add(body, "application/json")
		f.Add(body, "text/event-stream")
	}
	f.Fuzz(func(t *testing.T, body, contentType string) {
		e := entry(body)
		e.RequestBody = &body
		e.ResponseHeaders = logentry.HeadersOf(map[string][]string{"content-type": {contentType}})
		u := usage.Extract(e, "")
		if u.TotalTokens != u.PromptTokens+u.CompletionTokens || u.CachedTokens+u.CacheWriteTokens > u.PromptTokens ||
			u.ReasoningTokens > u.CompletionTokens || min(u.PromptTokens, u.CompletionTokens, u.CachedTokens, u.CacheWriteTokens, u.ReasoningTokens, u.AudioTokens) < 0 {
			t.Fatalf("the sums do not hold: %s", short(u))
		}
		if (u.State == record.UsageMissing || u.State == record.UsageNone) && u.TotalTokens != 0 {
			t.Fatalf("counts without a state: %s", short(u))
		}
	})
}
