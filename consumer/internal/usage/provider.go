package usage

import (
	"slices"
	"strings"

	"gateway-billing.internal/shared/logentry"
)

// FromProvider says whether a provider that counts tokens answers the entry: the hint says so, or without one the path,
// which is one of theirs or, behind one, the ID of an answer that they keep.
func FromProvider(e *logentry.Entry, hint Hint) bool {
	switch {
	case hint != "":
		return hint != NotMetered
	case e.URI == nil:
		return false
	}
	whole := path(*e.URI)
	above := whole[:max(strings.LastIndexByte(whole, '/'), 0)]
	return slices.ContainsFunc(meteredPaths, func(end string) bool {
		return strings.HasSuffix(whole, end) || strings.HasSuffix(above, end)
	})
}
