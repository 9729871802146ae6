package upstream

import (
	"fmt"
	"strings"
	"time"

	"gateway-billing.internal/shared/testkit/gateway/nginx"
)

const model = "gpt-4o-mini"

// Chat is an OpenAI chat completion as one JSON document with this usage.
func Chat(usage Usage) Answer {
	body := fmt.Sprintf(`{"choices":[{"finish_reason":"stop","index":0,"message":{"content":"Hello there! How can I help?",`+
		`"role":"assistant"}}],"created":1700000000,"id":"chatcmpl-1","model":%q,"object":"chat.completion","usage":%s}`,
		model, usage.json())
	return Answer{
		Status:  200,
		Header:  nginx.Header{{Name: "Content-Type", Value: "application/json"}},
		Body:    []byte(body),
		Latency: 20 * time.Millisecond,
		Usage:   &usage,
	}
}

// Stream is the same as server-sent events: chunks deltas, the usage in a last event (stream_options.include_usage).
func Stream(usage Usage, chunks int) Answer {
	var body strings.Builder
	event := func(choices, usage string) {
		fmt.Fprintf(&body, `data: {"choices":%s,"created":1700000000,"id":"chatcmpl-1","model":%q,`+
			`"object":"chat.completion.chunk","usage":%s}`+"\n\n", choices, model, usage)
	}
	for i := range chunks {
		event(fmt.Sprintf(`[{"delta":{"content":"tok%d "},"finish_reason":null,"index":0}]`, i), "null")
	}
	event(`[{"delta":{},"finish_reason":"stop","index":0}]`, "null")
	event("[]", usage.json())
	body.WriteString("data: [DONE]\n\n")
	return Answer{
		Status: 200,
		Header: nginx.Header{
			{Name: "Content-Type", Value: "text/event-stream"},
			{Name: "Cache-Control", Value: "no-cache"},
		},
		Body:    []byte(body.String()),
		Chunked: true,
		Latency: 200 * time.Millisecond,
		Usage:   &usage,
	}
}

// Text is a plain answer without tokens.
func Text(text string) Answer {
	return Answer{
		Status:  200,
		Header:  nginx.Header{{Name: "Content-Type", Value: "text/plain; charset=utf-8"}},
		Body:    []byte(text),
		Latency: time.Millisecond,
	}
}

// Fixed always gives the same answer.
func Fixed(answer Answer) Func { return func(Call) Answer { return answer } }

func (u Usage) json() string {
	return fmt.Sprintf(`{"completion_tokens":%d,"completion_tokens_details":{"reasoning_tokens":%d},"prompt_tokens":%d,`+
		`"prompt_tokens_details":{"cached_tokens":%d},"total_tokens":%d}`,
		u.Completion, u.Reasoning, u.Prompt, u.Cached, u.Total())
}
