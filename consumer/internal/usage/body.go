package usage

import (
	"strconv"
	"strings"

	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/shared/logentry"
)

// counts are those of the answer's body, and how sure they are; UsageNone where it has none. What is no token is counted
// for a metered request alone: "usage": {"seconds": 5} may stand in anybody's answer.
func (a *answer) counts(e *logentry.Entry, metered bool) (counts, record.UsageState) {
	c := a.fields.normal()
	if !a.found && a.images > 0 && a.ended && strings.Contains(pathOf(e), "/images/") {
		// Models that are priced by the image count nothing else.
		c.quantities = []record.Quantity{{Unit: UnitImages, Amount: strconv.FormatInt(a.images, 10)}}
		a.found = true
	}
	switch {
	case !a.found || c.zero() || !c.tokens() && !metered:
		return counts{}, record.UsageNone
	case !c.known() || !a.ended || a.streaming && a.broken:
		return c, record.UsagePartial
	default:
		return c, record.UsageExact
	}
}
