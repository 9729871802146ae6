package logentry

import (
	"encoding/json"
	"errors"
	"fmt"

	"gateway-billing.internal/shared/jsonscan"
)

// The ways in which a message body holds no entry at all.
var (
	// ErrNotJSON: the body is not one JSON value.
	ErrNotJSON = errors.New("message body is not one JSON document")
	// ErrNotEntry: the body is JSON, but neither an object nor an array.
	ErrNotEntry = errors.New("message body is neither a JSON object nor an array")
	// ErrTooMany: the array has more than MaxEntries members.
	ErrTooMany = fmt.Errorf("message body is an array of more than %d members", MaxEntries)
	// ErrEmpty: the body is an empty array.
	ErrEmpty = errors.New("message body is an empty array")
)

// MaxEntries bounds the entries of one message. APISIX sends 1,000 by default and a message holds 4 MiB; without a bound
// two million numbers in one message would cost gigabytes.
const MaxEntries = 50_000

// Split cuts a message body into its entries: an object is one (batch_max_size 1), an array holds any number. The parts
// are raw JSON values in their order, not yet known to be entries. The error is ErrNotJSON, ErrNotEntry, ErrTooMany or
// ErrEmpty.
func Split(body []byte) ([]json.RawMessage, error) {
	body = jsonscan.Trim(body)
	if !jsonscan.Valid(body) {
		return nil, ErrNotJSON
	}
	switch body[0] {
	case '{':
		return []json.RawMessage{body}, nil
	case '[':
		return splitArray(body)
	default:
		return nil, ErrNotEntry
	}
}

func splitArray(array []byte) ([]json.RawMessage, error) {
	var parts []json.RawMessage
	for part := range jsonscan.Elements(array) {
		if len(parts) == MaxEntries {
			return nil, ErrTooMany
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 {
		return nil, ErrEmpty
	}
	return parts, nil
}
