// Package teardown owns the end of what was started: in reverse, all of it, also behind a failure.
package teardown

import (
	"errors"
	"slices"
)

// List is what is to be ended. The zero List is ready; not for concurrent use.
type List struct{ ends []func() error }

// Ending adds an end, to be called before those that were added earlier.
func (l *List) Ending(end func() error) { l.ends = append(l.ends, end) }

// Stop ends what was started, the last first, and joins what fails.
func (l *List) Stop() error {
	var errs []error
	for _, end := range slices.Backward(l.ends) {
		errs = append(errs, end())
	}
	return errors.Join(errs...)
}
