package inspect_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gateway-billing.internal/consumer/internal/identity"
	"gateway-billing.internal/consumer/internal/inspect"
	"gateway-billing.internal/consumer/internal/pipeline"
	"gateway-billing.internal/consumer/internal/redact"
	"gateway-billing.internal/shared/billingkey"
)

// samples are message bodies and log entries that a real APISIX 3.18 wrote, exact bytes.
const samples = "../../../shared/logentry/testdata/apisix-3.18"

func deriver(t *testing.T) *pipeline.Deriver {
	t.Helper()
	keys, err := billingkey.ParseKeys("")
	if err != nil {
		t.Fatal(err)
	}
	return &pipeline.Deriver{Keys: keys, Rules: identity.Rules{Tolerance: time.Second}, Body: redact.New(redact.Redacted, nil, nil)}
}

// lines runs a body through inspect and decodes its lines as a user's script would.
func lines(t *testing.T, body []byte) []map[string]any {
	t.Helper()
	var out bytes.Buffer
	if err := inspect.Write(&out, deriver(t), body); err != nil {
		t.Fatal(err)
	}
	var list []map[string]any
	for text := range strings.Lines(out.String()) {
		var line map[string]any
		dec := json.NewDecoder(strings.NewReader(text))
		dec.UseNumber()
		if err := dec.Decode(&line); err != nil {
			t.Fatalf("line %q: %v", text, err)
		}
		list = append(list, line)
	}
	return list
}

// What a person reading the samples says of them. Counts are prompt/completion/total/cached/reasoning.
func TestRealSamples(t *testing.T) {
	type want struct {
		status   string
		consumer string
		counts   string
		state    []string
		billable string
	}
	answered := want{"200", "alice", "12/8/20/4/2", []string{"exact"}, "true"}
	anonymous := want{"200", "", "12/8/20/4/2", []string{"exact"}, "true"}
	missing := want{"200", "", "0/0/0/0/0", []string{"missing"}, "true"}
	none := want{"200", "", "0/0/0/0/0", []string{"none"}, "true"}
	failed := func(status string) want { return want{status, "", "0/0/0/0/0", []string{"none"}, "false"} }
	tests := map[string]want{
		"plain-json.jsonl":                answered,
		"gzip.jsonl":                      answered,
		"chunked-request.jsonl":           answered,
		"rocketmq-route.jsonl":            answered,
		"rocketmq-global.jsonl":           answered,
		"rocketmq-meta-extra.jsonl":       answered,
		"rocketmq-array3.jsonl":           answered,
		"sse.jsonl":                       answered,
		"sse-chunks50.jsonl":              answered,
		"anonymous.jsonl":                 anonymous,
		"sse-truncated.jsonl":             missing,
		"resp-truncated.jsonl":            missing,
		"cut-in-utf8.bin":                 missing,
		"no-bodies.jsonl":                 missing,
		"abort-midstream.jsonl":           {"200", "alice", "0/0/0/0/0", []string{"missing"}, "true"},
		"abort-499-before-response.jsonl": {"499", "alice", "0/0/0/0/0", []string{"missing"}, "false"},
		"upstream-down-502.jsonl":         failed("502"),
		"upstream-500.jsonl":              failed("500"),
		"unauth-401.jsonl":                failed("401"),
		"unmatched-404.jsonl":             failed("404"),
		"rocketmq-global-ext-404.jsonl":   failed("404"),
		"runner-down-degraded.jsonl":      {"200", "alice", "0/0/0/0/0", []string{"none"}, "true"},
		"get-nobody.jsonl":                none,
		"dup-headers.jsonl":               none,
		"service-route.jsonl":             none,
		"binary-request-body.bin":         none,
	}
	files, err := filepath.Glob(samples + "/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		if name == "log_format.jsonl" || name == "rocketmq-message-envelope.json" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			w, ok := tests[name]
			if !ok {
				t.Fatal("a sample that the test says nothing of")
			}
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := lines(t, body)
			if count := 1 + 2*strings.Count(name, "array3"); len(got) != count {
				t.Fatalf("%d lines, want %d", len(got), count)
			}
			keys := map[any]bool{}
			for i, line := range got {
				counts := fmt.Sprintf("%v/%v/%v/%v/%v", line["prompt_tokens"], line["completion_tokens"], line["total_tokens"],
					line["cached_tokens"], line["reasoning_tokens"])
				if line["outcome"] != "record" || fmt.Sprint(line["entry_index"]) != fmt.Sprint(i) {
					t.Errorf("outcome %v, entry_index %v", line["outcome"], line["entry_index"])
				}
				if fmt.Sprint(line["status"]) != w.status || line["consumer"] != w.consumer || counts != w.counts ||
					!slices.Contains(w.state, fmt.Sprint(line["usage_state"])) || fmt.Sprint(line["billable"]) != w.billable {
					t.Errorf("status %v, consumer %v, counts %s, state %v, billable %v", line["status"], line["consumer"],
						counts, line["usage_state"], line["billable"])
				}
				if line["key_source"] != "fingerprint" || line["key_state"] != "absent" || line["request_id"] != nil {
					t.Errorf("key_source %v, key_state %v, request_id %v", line["key_source"], line["key_state"], line["request_id"])
				}
				if !regexp.MustCompile(`^[0-9a-f]{44}$`).MatchString(fmt.Sprint(line["billing_key"])) {
					t.Errorf("billing_key %v", line["billing_key"])
				}
				keys[line["billing_key"]] = true
			}
			if len(keys) != len(got) {
				t.Error("two entries have one billing key")
			}
		})
	}
}

func TestLineOfARecord(t *testing.T) {
	body, err := os.ReadFile(samples + "/sse.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	line := lines(t, body)[0]
	for column, want := range map[string]any{
		"request_time": "2026-11-22T11:44:25.731Z", "method": "POST", "uri": "/v1/chat/completions", "route_id": "chat",
		"service_id": "", "client_ip": "127.0.0.1", "model": "gpt-4o-mini", "model_requested": "gpt-4o-mini", "stream": true,
		"usage_source": "body", "usage_mismatch": false, "billable_reason": "success", "provider_response_id": "chatcmpl-1",
		"latency_ms": json.Number("2.000093460083"), "request_size": json.Number("291"), "response_size": json.Number("1296"),
		"reason": nil, "idempotency_key": nil, "dimensions": nil, "estimated_tokens": nil, "claimed_key": nil, "repeat_of": nil,
		"stamp_sequence": nil, "quantities": nil,
	} {
		got, ok := line[column]
		if !ok || got != want {
			t.Errorf("%s: %v (there: %v), want %v", column, got, ok, want)
		}
	}
}

func TestRejects(t *testing.T) {
	sample := func(name string) string {
		body, err := os.ReadFile(filepath.Join(samples, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	good := strings.TrimSpace(sample("plain-json.jsonl"))
	tests := []struct {
		name, body string
		want       string // entry_index:outcome:reason of each line
	}{
		{"log_format without a time", sample("log_format.jsonl"), "0:reject:no_identity"},
		{"not JSON", "GET / HTTP/1.1\r\n\r\n", "-1:reject:not_json"},
		{"empty", "[]", "-1:reject:empty"},
		{"neither object nor array", "7", "-1:reject:not_an_entry"},
		{"an object of nothing", "{}", "0:reject:no_identity"},
		{"one bad among good ones", `[` + good + `,7,` + good + `,{"billing":{"request_id":"000102030405060708090a0b0c0d0e0f"}}]`,
			"0:record:<nil> 1:reject:not_an_entry 2:record:<nil> 3:reject:no_start_time"},
		{"a time in the year 9999", strings.Replace(good, `"start_time":1795347865715`, `"start_time":253370764800000`, 1), "0:reject:bad_value:start_time"},
		{"a route that is no text", strings.Replace(good, `"route_id":"chat"`, `"route_id":[7]`, 1), "0:reject:bad_value:route_id"},
		{"a consumer's name without end", strings.Replace(good, `"username":"alice"`, `"username":"`+strings.Repeat("a", 300)+`"`, 1), "0:reject:bad_value:consumer.username"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, line := range lines(t, []byte(tt.body)) {
				got = append(got, fmt.Sprintf("%v:%v:%v", line["entry_index"], line["outcome"], line["reason"]))
			}
			if s := strings.Join(got, " "); s != tt.want {
				t.Errorf("got  %s\nwant %s", s, tt.want)
			}
		})
	}
}

// Nothing that a client or an upstream chooses keeps an entry from being recorded.
func TestWhatClientsChooseIsCutAndMarked(t *testing.T) {
	body, err := os.ReadFile(samples + "/plain-json.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	good := string(body)
	long := strings.Repeat("ä", 9000)
	tests := []struct{ name, from, to, mark string }{
		{"URI of 9 KB", `"uri":"/v1/chat/completions"`, `"uri":"/` + long + `"`, "cut:uri"},
		{"method", `"method":"POST"`, `"method":"` + long + `"`, "cut:method"},
		{"Host as service of an unmatched request", `"service_id":""`, `"service_id":"` + long + `"`, "cut:service_id"},
		{"model", `\"model\":\"gpt-4o-mini\"`, `\"model\":\"` + long + `\"`, "cut:model"},
		{"negative size", `"size":588`, `"size":-1`, "bad:response_size"},
		{"NUL bytes", `"uri":"/v1/chat/completions"`, `"uri":"/\u0000"`, ""},
		{"deep JSON in the answer", `{\"choices\":`, `{\"deep\":` + strings.Repeat("[", 20000) + `,\"choices\":`, ""},
		{"1 MiB of quotes", `Hello there`, strings.Repeat(`\\\"`, 1<<18), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if !strings.Contains(good, tt.from) {
				t.Fatal("the sample has no such text")
			}
			line := lines(t, []byte(strings.ReplaceAll(good, tt.from, tt.to)))[0]
			if line["outcome"] != "record" {
				t.Fatalf("outcome %v: %v", line["outcome"], line["reason"])
			}
			if tt.mark != "" && !slices.Contains(line["marks"].([]any), any(tt.mark)) {
				t.Errorf("marks %v, want %s", line["marks"], tt.mark)
			}
		})
	}
}
