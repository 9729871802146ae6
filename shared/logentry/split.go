package logentry

import (
	"bytes"
	"encoding/json"
	"errors"
)

// The ways in which a message body holds no entry at all.
var (
	// ErrNotJSON: the body is not one JSON value.
	ErrNotJSON = errors.New("message body is not one JSON document")
	// ErrNotEntry: the body is JSON, but neither an object nor an array.
	ErrNotEntry = errors.New("message body is neither a JSON object nor an array")
	// ErrEmpty: the body is an empty array.
	ErrEmpty = errors.New("message body is an empty array")
)

// Split cuts a message body into its entries: an object is one (batch_max_size 1), an array holds any number. The parts
// are raw JSON values in their order, not yet known to be entries. The error is ErrNotJSON, ErrNotEntry or ErrEmpty.
func Split(body []byte) ([]json.RawMessage, error) {
	body = bytes.TrimLeft(body, " \t\r\n")
	if len(body) == 0 {
		return nil, ErrNotJSON
	}
	switch body[0] {
	case '{':
		if !json.Valid(body) {
			return nil, ErrNotJSON
		}
		return []json.RawMessage{bytes.TrimRight(body, " \t\r\n")}, nil
	case '[':
		var parts []json.RawMessage
		if json.Unmarshal(body, &parts) != nil {
			return nil, ErrNotJSON
		}
		if len(parts) == 0 {
			return nil, ErrEmpty
		}
		return parts, nil
	default:
		if !json.Valid(body) {
			return nil, ErrNotJSON
		}
		return nil, ErrNotEntry
	}
}
