package config

import (
	"encoding"
	"errors"
	"strconv"
	"strings"
	"time"
)

// Age is how old something may become; 0 is without limit.
type Age time.Duration

var _ encoding.TextUnmarshaler = (*Age)(nil)

const day = 24 * time.Hour

// maxAgeDays keeps an Age within what a time.Duration holds.
const maxAgeDays = 36_500

// UnmarshalText reads whole days (`30d`), a duration (`36h`), or `never`.
func (a *Age) UnmarshalText(text []byte) error {
	if string(text) == "never" {
		*a = 0
		return nil
	}
	if days, ok := strings.CutSuffix(string(text), "d"); ok {
		n, err := strconv.Atoi(days)
		if err == nil && n >= 0 && n <= maxAgeDays {
			*a = Age(time.Duration(n) * day)
			return nil
		}
	} else if d, err := time.ParseDuration(string(text)); err == nil && d >= 0 {
		*a = Age(d)
		return nil
	}
	return errors.New("must be an age such as 30d or 36h, or never")
}

// MarshalText is a spelling that UnmarshalText reads.
func (a Age) MarshalText() ([]byte, error) {
	switch d := time.Duration(a); {
	case d == 0:
		return []byte("never"), nil
	case d%day == 0:
		return append(strconv.AppendInt(nil, int64(d/day), 10), 'd'), nil
	default:
		return []byte(d.String()), nil
	}
}

// String is the same spelling.
func (a Age) String() string {
	text, _ := a.MarshalText()
	return string(text)
}

// Set is UnmarshalText for a flag of the command line.
func (a *Age) Set(text string) error { return a.UnmarshalText([]byte(text)) }

// Type names the form of such a flag.
func (*Age) Type() string { return "AGE" }
