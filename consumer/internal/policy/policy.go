// Package policy owns what the operator says per route: which provider answers, which meters count, which requests are
// billable, and whether unknown tokens are estimated. It is a pure function of the entry and the configuration: the same entry under another
// configuration may get another answer, and a record keeps the answer of the configuration that it was made under.
package policy

import (
	"strings"

	"gateway-billing.internal/consumer/internal/meter"
	"gateway-billing.internal/consumer/internal/usage"
	"gateway-billing.internal/shared/logentry"
)

// Policy is the rules in their order.
type Policy []Rule

// Rule is what holds for the requests that it matches. The zero Rule is the default for all.
type Rule struct {
	Match Match
	// Provider is what package usage is told of who answers.
	Provider usage.Hint
	// Meters are what the route is metered by; empty for tokens alone.
	Meters   []meter.Meter
	Billable Billable
	// BytesPerToken is how many bytes an estimated token has; 0 switches estimates off.
	BytesPerToken int64
}

// Match says which requests a rule is for: those that fit all of its members. nil fits every request, the unknown
// fits no name.
type Match struct {
	RouteID   *string
	ServiceID *string
	// URIPrefix begins the path. The client chose that; only the names are the gateway's word.
	URIPrefix *string
}

// For gives the first rule that matches; where none does, the default.
func (p Policy) For(e *logentry.Entry) *Rule {
	for i := range p {
		if p[i].Match.fits(e) {
			return &p[i]
		}
	}
	return &Rule{}
}

func (m Match) fits(e *logentry.Entry) bool {
	return same(m.RouteID, e.RouteID) && same(m.ServiceID, e.ServiceID) &&
		(m.URIPrefix == nil || e.URI != nil && strings.HasPrefix(*e.URI, *m.URIPrefix))
}

func same(want, have *string) bool {
	return want == nil || have != nil && *have == *want
}
