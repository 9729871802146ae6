package gateway

import (
	"time"

	"gateway-billing.internal/shared/testkit/gateway/nginx"
	"gateway-billing.internal/shared/testkit/gateway/upstream"
)

// Request is what a client sends, as it sends it.
type Request struct {
	Method string
	// URI is raw: path and query string.
	URI string
	// Header are the client's header lines in order. Host and Content-Length are added where they are missing.
	Header nginx.Header
	Body   []byte
	// Chunked sends the body without a length.
	Chunked bool
	// RemoteAddr is the client's address (127.0.0.1).
	RemoteAddr string
	Abort      Abort
	// AbortAfter is, with Abort, how long after its start the request ends, in whole ms.
	AbortAfter time.Duration
}

// Abort is when the client goes away.
type Abort int

// The places to go away: never; inside its own request body (400); before the answer begins (499); inside the answer's
// body (status 200, half the body sent, none logged).
const (
	AbortNever Abort = iota
	AbortInBody
	AbortBeforeAnswer
	AbortMidStream
)

// Response is what a client got.
type Response struct {
	// RequestID is the gateway's own, 32 hex digits.
	RequestID string
	Status    int
	Header    nginx.Header
	// Body is decompressed; after an abort it is what came before.
	Body []byte
}

// Truth is what really happened, written down before the gateway encodes anything: what records are checked against.
type Truth struct {
	// RequestID is 32 hex digits; with Start (ms precision) it is the request's identity.
	RequestID string
	Start     time.Time
	// URI is raw, as the client sent it.
	URI string
	// Consumer is the APISIX consumer, "" when anonymous; Route is "" when none matched.
	Consumer, Route string
	Status          int
	// Usage is what a complete answer told of tokens; nil when it told nothing or the client went away.
	Usage *upstream.Usage
	// Entries is how many log entries the gateway makes of the request: one a logger that is bound.
	Entries int
	// Stamped says that the runner ran its plugins on the request.
	Stamped bool
	// Stamp is the stamp that the runner set, "" when it set none.
	Stamp string
}
