package record

import "strings"

// Marks of what a record says of its counts. The two that end in a colon stand before a unit.
const (
	// MarkEstimated: EstimatedTokens is set.
	MarkEstimated = "estimated"
	// MarkMeter: the count of a meter is not known.
	MarkMeter = "meter:"
	// MarkRounded: the count of a meter had more digits than are kept.
	MarkRounded = "rounded:"
)

// IsUsageMark says whether a mark speaks of the counts: with other counts, it goes.
func IsUsageMark(mark string) bool {
	return mark == MarkEstimated || strings.HasPrefix(mark, MarkMeter) || strings.HasPrefix(mark, MarkRounded)
}
