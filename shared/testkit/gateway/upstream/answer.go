// Package upstream owns the services behind the gateway: what they are asked, what they answer, and ready answers of an
// OpenAI-like provider whose token counts are known to the sender.
package upstream

import (
	"time"

	"gateway-billing.internal/shared/testkit/gateway/nginx"
)

// Func answers one request. It may be called from many goroutines at once.
type Func func(Call) Answer

// Call is what the upstream is asked.
type Call struct {
	Method, URI string
	Header      nginx.Header
	Body        []byte
}

// Failure is how an upstream fails to answer at all.
type Failure int

// The failures: Refused gives the client a 502, TimedOut a 504.
const (
	NoFailure Failure = iota
	Refused
	TimedOut
)

// Answer is what the upstream answers. Content-Length or Transfer-Encoding, Date and Server are the gateway's to add.
type Answer struct {
	Failure Failure
	Status  int
	Header  nginx.Header
	// Body is the body before compression.
	Body []byte
	// Chunked sends the body without a length; Gzip sends it compressed (the logger sees it decompressed).
	Chunked, Gzip bool
	// Latency is how long the upstream is said to have taken, in whole ms. Nobody waits for it.
	Latency time.Duration
	// Failed are the addresses of servers that the gateway tried in vain before this one answered.
	Failed []string
	// Usage is what the answer tells of tokens, nil when it tells nothing.
	Usage *Usage
}

// Usage are the token counts of an answer: Prompt includes Cached, Completion includes Reasoning.
type Usage struct{ Prompt, Completion, Cached, Reasoning int64 }

// Total is Prompt + Completion.
func (u Usage) Total() int64 { return u.Prompt + u.Completion }
