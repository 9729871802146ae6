package usage

import (
	"strings"

	"gateway-billing.internal/shared/logentry"
)

// FromProvider says whether a provider that counts tokens answers the entry: the hint says so, or without one the path,
// which is one of theirs or, behind one, the ID of an answer that they keep.
func FromProvider(e *logentry.Entry, hint Hint) bool {
	if hint != "" {
		return hint != NotMetered
	}
	path := pathOf(e)
	above := path[:max(strings.LastIndexByte(path, '/'), 0)]
	return endsIn(path, meteredPaths) || endsIn(above, meteredPaths)
}
