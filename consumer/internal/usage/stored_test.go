package usage_test

import (
	"testing"

	"gateway-billing.internal/consumer/internal/usage"
	"gateway-billing.internal/shared/logentry"
)

func TestReadsStored(t *testing.T) {
	tests := []struct {
		uri, request string // request "" is not logged
		want         bool
	}{
		{"/v1/chat/completions/chatcmpl-1", `{"metadata":{"a":"b"}}`, true},
		{"/openai/v1/chat/completions/chatcmpl-1?api-version=1", "", true},
		{"/v1/responses/resp_1/cancel", "", true},
		{"/v1/responses/resp_1", "", true},
		{"/v1/threads/thread_1/runs/run_1", `{"metadata":{}}`, true},
		{"/v1/threads/thread_1/runs/run_1/cancel", "", true},
		{"/v1/threads/thread_1/runs/run_1/submit_tool_outputs", "", false},
		{"/v1/threads/thread_1/runs", "", false},
		{"/workflows/5/runs/7", "", false},
		{"/v1/chat/completions", "", false},
		{"/v1/chat/completions/", "", false},
		{"/v1/chat/completions?x=/v1/responses/resp_1", "", false},
		{"/v1/chat/completions/team-1", `{"model":"m"}`, false},
		{"/v1/chat/completions/agent-1", `{"messages":[{"rol`, false},
		{"/openai/deployments/gpt-4/chat/completions", "", false},
		{"/v1/responses/compact", "", false},
		{"/api/chat/1", "", false},
		{"cancel", "", false},
	}
	for _, tt := range tests {
		e := logentry.Entry{Method: new("POST"), URI: &tt.uri}
		if tt.request != "" {
			e.RequestBody = &tt.request
		}
		if got := usage.ReadsStored(&e); got != tt.want {
			t.Errorf("%s %s: %t", tt.uri, tt.request, got)
		}
	}
	if usage.ReadsStored(&logentry.Entry{}) {
		t.Error("a request that nobody knows")
	}
}
