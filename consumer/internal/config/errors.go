package config

import (
	"cmp"
	"fmt"
	"strings"
)

// FieldError is one thing that is wrong with the configuration.
type FieldError struct {
	// Place is where the value was read: `file:line`, the name of an environment variable, or empty for a value that
	// was given nowhere.
	Place string
	// Field is the value's name, such as `rocketmq.topic`; empty when the file as a whole is wrong.
	Field string
	// Problem says what is wrong. It never holds a secret, nor any text of a value that could be one.
	Problem string
}

// Error is the place, the field and the problem, in one line.
func (e *FieldError) Error() string {
	parts := make([]string, 0, 3)
	for _, part := range []string{e.Place, e.Field, e.Problem} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ": ")
}

// Errors is everything that is wrong with the configuration at once, at least one.
type Errors []*FieldError

// Error is one line for each, in the order of the file, then of the fields.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, err := range e {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

// add notes a problem of a field.
func (e *Errors) add(field, format string, args ...any) {
	*e = append(*e, &FieldError{Field: field, Problem: fmt.Sprintf(format, args...)})
}

// orNil keeps an empty list from becoming an error.
func (e Errors) orNil() error {
	if len(e) == 0 {
		return nil
	}
	return e
}

// between notes a value that lies outside of low..high.
func between[T cmp.Ordered](e *Errors, field string, value, low, high T) {
	if value < low || value > high {
		e.add(field, "must be %v to %v, not %v", low, high, value)
	}
}
