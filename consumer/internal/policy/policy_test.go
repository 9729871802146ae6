package policy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"gateway-billing.internal/consumer/internal/meter"
	"gateway-billing.internal/consumer/internal/policy"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/consumer/internal/usage"
	"gateway-billing.internal/shared/logentry"
)

// apply is the decision on an entry with that usage.
func apply(rule policy.Rule, e logentry.Entry, u record.Usage) (*record.Record, []string) {
	rec := &record.Record{Usage: u}
	marks := rule.Apply(&e, rec)
	slices.Sort(marks)
	return rec, marks
}

var (
	exact   = record.Usage{State: record.UsageExact, TotalTokens: 20, RawJSON: []byte(`{}`)}
	partial = record.Usage{State: record.UsagePartial, TotalTokens: 12, RawJSON: []byte(`{}`)}
	missing = record.Usage{State: record.UsageMissing}
	none    = record.Usage{State: record.UsageNone}
	stored  = record.Usage{State: record.UsageNone, RawJSON: []byte(`{}`)}
)

func TestBillable(t *testing.T) {
	listed := policy.Billable{Statuses: []policy.Statuses{{From: 200, To: 299}, {From: 402, To: 402}}, Methods: []string{"POST", "GET"}}
	tests := []struct {
		policy policy.Billable
		method string // "" is unknown
		status int    // -1 is unknown
		usage  record.Usage
		want   string
	}{
		{policy.Billable{}, "POST", 200, exact, "true success"},
		{policy.Billable{}, "POST", 302, none, "true success"},
		{policy.Billable{}, "GET", 200, none, "true success"},
		{policy.Billable{}, "GET", 200, stored, "false stored_answer"},
		{policy.Billable{}, "DELETE", 200, stored, "false stored_answer"},
		{policy.Billable{}, "", 200, stored, "true success"},
		{policy.Billable{}, "POST", -1, none, "true status_unknown"},
		{policy.Billable{}, "POST", 0, none, "true status_unknown"},
		{policy.Billable{}, "POST", 400, none, "false status"},
		{policy.Billable{}, "POST", 500, partial, "false status_with_usage"},
		{policy.Billable{}, "POST", 499, missing, "false aborted"},
		{policy.Billable{}, "POST", 499, partial, "true aborted_with_usage"},
		{listed, "POST", 200, exact, "true success"},
		{listed, "POST", 402, none, "true success"},
		{listed, "POST", 302, none, "false status"},
		{listed, "POST", 302, exact, "false status_with_usage"},
		{listed, "POST", 499, exact, "false status_with_usage"},
		{listed, "POST", 499, missing, "false aborted"},
		{listed, "POST", -1, exact, "true status_unknown"},
		{listed, "PUT", 200, exact, "false method"},
		{listed, "PUT", -1, exact, "false method"},
		{listed, "GET", 200, stored, "true success"},
		{listed, "", 200, exact, "true success"},
	}
	for _, tt := range tests {
		e := logentry.Entry{URI: new("/v1/responses/resp_1")}
		if tt.method != "" {
			e.Method = &tt.method
		}
		if tt.status >= 0 {
			e.Status = &tt.status
		}
		rec, marks := apply(policy.Rule{Billable: tt.policy}, e, tt.usage)
		if got := fmt.Sprint(rec.Billable, " ", rec.BillableReason); got != tt.want {
			t.Errorf("%+v: %s %d with usage %s: %s, want %s", tt.policy, tt.method, tt.status, tt.usage.State, got, tt.want)
		}
		if rec.Usage.State != tt.usage.State || len(marks) > 0 {
			t.Errorf("without meters the state %s became %s, marks %v", tt.usage.State, rec.Usage.State, marks)
		}
	}
}

// What a customer stores and reads again is no provider's answer, though it has a member of the name.
func TestStoredAnswer(t *testing.T) {
	credits, tokens := header("credits", "X-Credits"), meter.Meter{Unit: meter.UnitTokens}
	tests := []struct {
		uri  string // "" is unknown
		rule policy.Rule
		want string
	}{
		{"/v1/responses/resp_1?include=x", policy.Rule{}, "false stored_answer"},
		{"/openai/v1/chat/completions/chatcmpl-1", policy.Rule{}, "false stored_answer"},
		{"/v1/responses", policy.Rule{}, "false stored_answer"},
		{"/documents/7", policy.Rule{}, "true success"},
		{"/documents/7?as=/v1/responses", policy.Rule{}, "true success"},
		{"/v1/responses/of/a/form", policy.Rule{}, "true success"},
		{"7", policy.Rule{}, "true success"},
		{"", policy.Rule{}, "true success"},
		{"/documents/7", policy.Rule{Provider: usage.OpenAI}, "false stored_answer"},
		{"", policy.Rule{Provider: usage.OpenAI}, "false stored_answer"},
		{"/v1/responses/resp_1", policy.Rule{Provider: usage.NotMetered}, "true success"},
		{"/v1/responses/resp_1", policy.Rule{Meters: []meter.Meter{tokens}}, "false stored_answer"},
		{"/v1/responses/resp_1", policy.Rule{Meters: []meter.Meter{tokens, credits}}, "true success"},
		{"/documents/7", policy.Rule{Provider: usage.OpenAI, Meters: []meter.Meter{credits}}, "true success"},
	}
	for _, tt := range tests {
		e := logentry.Entry{Method: new("GET"), Status: new(200)}
		if tt.uri != "" {
			e.URI = &tt.uri
		}
		rec, _ := apply(tt.rule, e, stored)
		if got := fmt.Sprint(rec.Billable, " ", rec.BillableReason); got != tt.want {
			t.Errorf("GET %s, provider %q, %d meters: %s, want %s", tt.uri, tt.rule.Provider, len(tt.rule.Meters), got, tt.want)
		}
	}
}

// A POST to an answer that the provider keeps shows the usage of the call that made it; one that asks a model is a call.
func TestStoredAnswerOfPOST(t *testing.T) {
	for _, tt := range []struct{ uri, body, want string }{
		{"/v1/chat/completions/chatcmpl-1", `{"metadata":{"a":"b"}}`, "false stored_answer 0"},
		{"/v1/responses/resp_1/cancel", "", "false stored_answer 0"},
		{"/v1/chat/completions", "", "true success 12"},
		{"/v1/chat/completions/chatcmpl-1", `{"model":"gpt-4o","messages":[]}`, "true success 12"},
		{"/documents/1", `{}`, "true success 12"},
	} {
		e := logentry.Entry{Method: new("POST"), Status: new(200), URI: &tt.uri, RequestBody: &tt.body,
			ResponseBody: new(`{"id":"1","usage":{"prompt_tokens":10,"completion_tokens":2,"total_tokens":12}}`)}
		rec, _ := apply(policy.Rule{}, e, usage.Extract(&e, ""))
		if got := fmt.Sprint(rec.Billable, " ", rec.BillableReason, " ", rec.Usage.TotalTokens); got != tt.want {
			t.Errorf("POST %s %s: %s, want %s", tt.uri, tt.body, got, tt.want)
		}
	}
}

func header(unit, name string) meter.Meter {
	return meter.Meter{Unit: unit, From: meter.ResponseHeader(name)}
}

func TestMeters(t *testing.T) {
	request, tokens := meter.Meter{Unit: "request"}, meter.Meter{Unit: "tokens"}
	credits, pages := header("credits", "X-Credits"), header("pages", "X-Pages")
	answered := func(headers ...string) logentry.Entry {
		e := logentry.Entry{Status: new(200), ResponseHeaders: logentry.HeadersOf(map[string][]string{})}
		for _, h := range headers {
			name, value, _ := strings.Cut(h, "=")
			e.ResponseHeaders.All()[name] = []string{value}
		}
		return e
	}
	failed := func(status int) logentry.Entry { return logentry.Entry{Status: &status} }
	tests := []struct {
		name   string
		meters []meter.Meter
		entry  logentry.Entry
		usage  record.Usage
		want   string // state, quantities, marks
	}{
		{"known", []meter.Meter{credits}, answered("x-credits=3"), none, "exact [{credits 3}] []"},
		{"in the order of the list", []meter.Meter{pages, credits}, answered("x-credits=3", "x-pages=2"), none, "exact [{pages 2} {credits 3}] []"},
		{"one unknown", []meter.Meter{pages, credits}, answered("x-credits=3"), none, "partial [{credits 3}] [meter:pages]"},
		{"all unknown", []meter.Meter{pages, credits}, answered("x-credits=-3"), none, "missing [] [meter:credits meter:pages]"},
		{"rounded", []meter.Meter{credits}, answered("x-credits=0.30000000000000004"), none, "exact [{credits 0.3}] [rounded:credits]"},
		{"tokens beside it", []meter.Meter{credits}, answered("x-credits=3"), exact, "exact [{credits 3}] []"},
		{"tokens known in part", []meter.Meter{credits}, answered("x-credits=3"), partial, "partial [{credits 3}] []"},
		{"tokens expected by nobody", []meter.Meter{credits}, answered("x-credits=3"), missing, "exact [{credits 3}] []"},
		{"tokens expected", []meter.Meter{credits, tokens}, answered("x-credits=3"), missing, "partial [{credits 3}] []"},
		{"nothing of both", []meter.Meter{credits, tokens}, answered(), missing, "missing [] [meter:credits]"},
		{"tokens for the unknown", []meter.Meter{credits}, answered(), exact, "partial [] [meter:credits]"},
		{"tokens alone", []meter.Meter{tokens}, answered(), missing, "missing [] []"},
		{"not a metered call", []meter.Meter{tokens}, answered(), none, "none [] []"},
		{"by request", []meter.Meter{request}, answered(), missing, "exact [] []"},
		{"by request, failed", []meter.Meter{request}, failed(502), none, "none [] []"},
		{"by request and more", []meter.Meter{request, credits}, answered(), none, "partial [] [meter:credits]"},
		{"failed", []meter.Meter{credits}, failed(502), none, "none [] []"},
		{"given up by the client", []meter.Meter{credits}, failed(499), missing, "missing [] [meter:credits]"},
		{"status unknown", []meter.Meter{credits}, logentry.Entry{}, none, "missing [] [meter:credits]"},
		{"a provider's amount of the unit", []meter.Meter{credits}, answered("x-credits=3"),
			record.Usage{State: record.UsageExact, Quantities: []record.Quantity{{Unit: "credits", Amount: "7"}, {Unit: "seconds", Amount: "1"}}},
			"exact [{seconds 1} {credits 3}] []"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rec, marks := apply(policy.Rule{Meters: tt.meters}, tt.entry, tt.usage)
			if got := fmt.Sprintf("%s %v %v", rec.Usage.State, rec.Usage.Quantities, marks); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if rec.Usage.TotalTokens != tt.usage.TotalTokens || rec.Usage.EstimatedTokens != nil {
				t.Errorf("tokens %d, estimate %v", rec.Usage.TotalTokens, rec.Usage.EstimatedTokens)
			}
		})
	}
}

func TestEstimate(t *testing.T) {
	sizes := logentry.Entry{Status: new(200), RequestSize: new(int64(100)), ResponseSize: new(int64(301))}
	larger := sizes
	larger.RequestBody, larger.ResponseBody = new(strings.Repeat("a", 99)), new(strings.Repeat("a", 1000)) // decompressed
	credits := []meter.Meter{header("credits", "X-Credits")}
	tests := []struct {
		name   string
		rule   policy.Rule
		entry  logentry.Entry
		usage  record.Usage
		tokens int64 // -1 for no estimate
	}{
		{"off", policy.Rule{}, sizes, missing, -1},
		{"missing", policy.Rule{BytesPerToken: 4}, sizes, missing, 101},
		{"partial", policy.Rule{BytesPerToken: 4}, sizes, partial, 101},
		{"exact", policy.Rule{BytesPerToken: 4}, sizes, exact, -1},
		{"none", policy.Rule{BytesPerToken: 4}, sizes, none, -1},
		{"larger bodies", policy.Rule{BytesPerToken: 4}, larger, missing, 275},
		{"a size that is not known", policy.Rule{BytesPerToken: 4}, logentry.Entry{RequestSize: new(int64(100))}, missing, -1},
		{"a size that is none", policy.Rule{BytesPerToken: 4}, logentry.Entry{RequestSize: new(int64(100)), ResponseSize: new(int64(-1))}, missing, -1},
		{"a size beyond all", policy.Rule{BytesPerToken: 1}, logentry.Entry{RequestSize: new(int64(1<<63 - 1)), ResponseSize: new(int64(1))}, missing, -1},
		{"tokens that nobody expects", policy.Rule{BytesPerToken: 4, Meters: credits}, sizes, missing, -1},
		{"tokens known in part beside a meter", policy.Rule{BytesPerToken: 4, Meters: credits}, sizes, partial, 101},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rec, marks := apply(tt.rule, tt.entry, tt.usage)
			got := int64(-1)
			if rec.Usage.EstimatedTokens != nil {
				got = *rec.Usage.EstimatedTokens
			}
			if got != tt.tokens || slices.Contains(marks, record.MarkEstimated) != (got >= 0) {
				t.Errorf("estimate %d, want %d, marks %v", got, tt.tokens, marks)
			}
			if rec.Usage.TotalTokens != tt.usage.TotalTokens {
				t.Error("an estimate is mixed into the counts")
			}
		})
	}
}

func TestFirstRuleThatMatches(t *testing.T) {
	p := policy.Policy{
		{Match: policy.Match{RouteID: new("r"), URIPrefix: new("/v1/audio")}, BytesPerToken: 1},
		{Match: policy.Match{RouteID: new("r")}, BytesPerToken: 2},
		{Match: policy.Match{ServiceID: new("s")}, BytesPerToken: 3},
		{Match: policy.Match{URIPrefix: new("/v1/audio")}, BytesPerToken: 4},
	}
	tests := []struct {
		route, service, uri string // "?" is unknown
		want                int64
	}{
		{"r", "s", "/v1/audio/x?y", 1},
		{"r", "s", "/v1/x", 2},
		{"r", "s", "?", 2},
		{"R", "s", "/v1/audio", 3},
		{"?", "?", "/v1/audio", 4},
		{"", "", "/v2/v1/audio", 0},
		{"?", "?", "?", 0},
	}
	for _, tt := range tests {
		known := func(s string) *string {
			if s == "?" {
				return nil
			}
			return &s
		}
		e := &logentry.Entry{RouteID: known(tt.route), ServiceID: known(tt.service), URI: known(tt.uri)}
		if got := p.For(e).BytesPerToken; got != tt.want {
			t.Errorf("%+v: rule %d", tt, got)
		}
	}
	everything := append(p, policy.Rule{BytesPerToken: 9})
	if got := everything.For(&logentry.Entry{}).BytesPerToken; got != 9 {
		t.Errorf("the rest: rule %d", got)
	}
}
