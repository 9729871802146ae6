package logentry

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Format says which of the two kinds an entry is.
type Format string

// The formats of an entry.
const (
	// Default: written by APISIX itself. What it lacks is known to be absent (no consumer: the request was anonymous).
	Default Format = "default"
	// Custom: made by a log_format. What it lacks is not known.
	Custom Format = "log_format"
)

// Billing is the gateway's own word on a request, put into the entry by log_format_extra.
type Billing struct {
	// RequestID is $request_id as text, not yet checked; "" when absent.
	RequestID string
	// Stamps are the values of the X-Billing-Stamp header, in their order.
	Stamps []string
}

// Entry is one log entry. A nil pointer is a value that is not known; an empty string is known to be empty. Sizes are
// bytes, times ms. Text is valid UTF-8 (bytes that were not are U+FFFD) and not cut.
type Entry struct {
	Format Format
	// Billing is nil when the entry has no billing object.
	Billing *Billing
	// HeaderStamps are the values of the request header X-Billing-Stamp, in their order (default format only).
	HeaderStamps []string

	// StartMS is when the gateway got the request, ms since 1970; nil when the entry does not tell.
	StartMS   *int64
	LatencyMS *float64

	RouteID   *string
	ServiceID *string
	// Consumer is the APISIX consumer's name, "" when the request was anonymous.
	Consumer *string

	ClientIP *string
	Method   *string
	URI      *string
	Host     *string
	Status   *int

	RequestSize  *int64
	ResponseSize *int64

	// RequestHeaders and ResponseHeaders are empty when the entry has none.
	RequestHeaders  Headers
	ResponseHeaders Headers
	// RequestBody and ResponseBody are what the logger kept of them, nil when it kept none.
	RequestBody  *string
	ResponseBody *string
	// LLMSummary is ai-proxy's llm_summary object, nil when absent.
	LLMSummary json.RawMessage

	// Doubts names the members that were of a wrong type and therefore left out, sorted.
	Doubts []string
}

// ErrNotObject: an entry is not a JSON object.
var ErrNotObject = errors.New("entry is not a JSON object")

// FieldError is a member that only the gateway writes and that can't be read. It never repeats the value.
type FieldError struct {
	// Field is the member's path, as "consumer.username".
	Field string
	// Problem says what is wrong with it, as "not an integer".
	Problem string
}

func (e *FieldError) Error() string { return fmt.Sprintf("%s: %s", e.Field, e.Problem) }
