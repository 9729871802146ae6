package config

import (
	"encoding"
	"fmt"
	"time"
)

// Secret is a value that is never shown: however it is printed or encoded, only whether it is set can be seen.
type Secret string

const masked = "(secret)"

// Reveal is the secret itself, for the one place that uses it.
func (s Secret) Reveal() string { return string(s) }

// String is empty without a secret, else a mask.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return masked
}

// GoString keeps the secret out of %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalText keeps the secret out of JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Start is where a group without offsets begins to read.
type Start struct {
	// Last starts behind everything that is stored already.
	Last bool
	// At starts at the messages stored at this time (UTC); zero for the first or the last message.
	At time.Time
}

// The starts that are no time.
var (
	StartFirst = Start{}
	StartLast  = Start{Last: true}
)

var _ encoding.TextUnmarshaler = (*Start)(nil)

// UnmarshalText reads `first`, `last` or an RFC 3339 time.
func (s *Start) UnmarshalText(text []byte) error {
	switch string(text) {
	case "first":
		*s = StartFirst
		return nil
	case "last":
		*s = StartLast
		return nil
	}
	at, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		return fmt.Errorf("must be first, last or a time such as 2026-01-31T08:00:00Z")
	}
	*s = Start{At: at.UTC()}
	return nil
}

// MarshalText is the spelling that UnmarshalText reads.
func (s Start) MarshalText() ([]byte, error) {
	switch {
	case s.Last:
		return []byte("last"), nil
	case s.At.IsZero():
		return []byte("first"), nil
	default:
		return s.At.AppendFormat(nil, time.RFC3339), nil
	}
}
