package doctor

import (
	"cmp"
	"maps"
	"slices"
)

// Severity says how much a finding matters.
type Severity string

// The severities, the worst first. An error loses or doubles money as it stands.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Note    Severity = "note"
)

// Finding is one thing that is not as billing needs it.
type Finding struct {
	Code     string   `json:"code"`
	Severity Severity `json:"severity"`
	// Object is where it stands, such as "route chat, rocketmq-logger".
	Object string `json:"object"`
	Reason string `json:"reason"`
	// Risk is what may happen to money, Cure what to do.
	Risk string `json:"risk"`
	Cure string `json:"cure"`
}

// Code is a kind of finding.
type Code struct {
	Code       string
	Severity   Severity
	Risk, Cure string
}

// Codes lists all kinds of findings.
func Codes() []Code {
	var all []Code
	for _, name := range slices.Sorted(maps.Keys(codes)) {
		c := codes[name]
		c.Code = name
		all = append(all, c)
	}
	return all
}

// report collects findings.
type report struct{ findings []Finding }

func (r *report) add(code, object, reason string) {
	c, ok := codes[code]
	if !ok {
		panic("doctor: no such code: " + code)
	}
	r.findings = append(r.findings, Finding{
		Code: code, Severity: c.Severity, Object: object, Reason: reason, Risk: c.Risk, Cure: c.Cure,
	})
}

// sorted are the findings, the worst first.
func (r *report) sorted() []Finding {
	rank := map[Severity]int{Error: 0, Warning: 1, Note: 2}
	slices.SortStableFunc(r.findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(rank[a.Severity], rank[b.Severity]), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Object, b.Object))
	})
	return slices.Compact(r.findings)
}
