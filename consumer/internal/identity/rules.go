package identity

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Rules say what is believed. The rules of an entry are those of its own time, so that an old entry that is read again
// has the key that it had then.
type Rules struct {
	// AllowUnsealed believes stamps without a seal where the gateway does not confirm their request ID. Anybody who
	// can send a request can make such a stamp.
	AllowUnsealed bool
	// Tolerance is how far a stamp's time may lie before the entry's start or behind its end.
	Tolerance time.Duration
	// Changes are what became other than above, and when, in the order of their times.
	Changes []Change
}

// Change is what is other from a time on. What it does not name stays as it was.
type Change struct {
	From          time.Time
	AllowUnsealed *bool
	Tolerance     *time.Duration
}

// at is the rules for an entry that started at a time.
func (r Rules) at(startMS *int64) Rules {
	if startMS == nil {
		return r // it gets no key
	}
	for _, c := range r.Changes {
		if *startMS < c.From.UnixMilli() {
			break
		}
		if c.AllowUnsealed != nil {
			r.AllowUnsealed = *c.AllowUnsealed
		}
		if c.Tolerance != nil {
			r.Tolerance = *c.Tolerance
		}
	}
	return r
}

// MaxTolerance is the largest tolerance that a rule may have.
const MaxTolerance = time.Hour

// ParseChanges reads changes from their texts, which must be in the order of their times:
//
//	2026-12-01T00:00:00Z tolerance=2s allow_unsealed=false
func ParseChanges(texts []string) ([]Change, error) {
	var all []Change
	for i, text := range texts {
		c, err := parseChange(text)
		if err == nil && i > 0 && !c.From.After(all[i-1].From) {
			err = errors.New("must be later than the one before it")
		}
		if err != nil {
			return nil, fmt.Errorf("rule %d: %w", i+1, err)
		}
		all = append(all, c)
	}
	return all, nil
}

func parseChange(text string) (c Change, err error) {
	words := strings.Fields(text)
	if len(words) < 2 {
		return c, errors.New("must be a time and what changes, such as 2026-12-01T00:00:00Z allow_unsealed=false")
	}
	if c.From, err = time.Parse(time.RFC3339, words[0]); err != nil {
		return c, errors.New("must begin with a time such as 2026-12-01T00:00:00Z")
	}
	for _, word := range words[1:] {
		name, value, _ := strings.Cut(word, "=")
		switch {
		case name == "tolerance" && c.Tolerance == nil:
			d, err := time.ParseDuration(value)
			if err != nil || d < 0 || d > MaxTolerance {
				return c, errors.New("tolerance must be a duration from 0s to 1h")
			}
			c.Tolerance = &d
		case name == "allow_unsealed" && c.AllowUnsealed == nil:
			allow, err := strconv.ParseBool(value)
			if err != nil {
				return c, errors.New("allow_unsealed must be true or false")
			}
			c.AllowUnsealed = &allow
		default:
			return c, errors.New("knows tolerance=… and allow_unsealed=…, each once")
		}
	}
	return c, nil
}
