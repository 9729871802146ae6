// Package gaps owns what the numbers of stamps say about entries that never arrived. The runner numbers the stamps of
// each of its runs (epochs) from 1; a number that no entry brought is a gap. It says "numbered, not arrived", not
// "unbilled": a stamp whose answer the gateway never took is one too.
//
// It reads and writes nothing: package ledger keeps the ranges of numbers that arrived.
package gaps

import (
	"cmp"
	"slices"
	"time"

	"gateway-billing.internal/shared/billingkey"
)

// Range is the numbers First to Last, both included.
type Range struct {
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
}

// Count is how many numbers it holds.
func (r Range) Count() uint64 { return r.Last - r.First + 1 }

// Seen is a range of numbers of one run that arrived.
type Seen struct {
	Runner   string
	Epoch    billingkey.Epoch
	Verified bool
	Range
	// PreviousEpoch is the run before this one, as its stamps tell, and PreviousLast its last number; zero for none.
	PreviousEpoch billingkey.Epoch
	PreviousLast  uint64
	// Since is when the first of the range arrived, Age how long that is ago by the same clock.
	Since time.Time
	Age   time.Duration
}

// Gap is numbers that did not arrive.
type Gap struct {
	Range
	// Before is when a later number arrived, or a later run told of them: they were given before.
	Before time.Time `json:"numbered_before"`
}

// Run is one run of a runner.
type Run struct {
	Runner string           `json:"runner"`
	Epoch  billingkey.Epoch `json:"epoch"`
	// Start is when the run began, by the runner's clock.
	Start time.Time `json:"start"`
	// Verified is false for stamps that anybody can make: their numbers prove nothing, and no gap is read from them.
	Verified bool `json:"verified"`
	// Arrived is how many numbers did, Missing how many are in Gaps.
	Arrived uint64 `json:"arrived"`
	Missing uint64 `json:"missing"`
	Gaps    []Gap  `json:"gaps"`
	// OpenAfter is the highest number that is known; nothing tells whether more were given. nil where a later run has told
	// this one's last number.
	OpenAfter *uint64 `json:"open_after"`
}

// Find reads the gaps of all runs, in the order of runner and start. A gap counts once it has settled: a number behind it
// arrived at least settle ago, and so it would have, too. all need not be in any order, and ranges may overlap.
func Find(all []Seen, settle time.Duration) []Run {
	type id struct {
		runner   string
		epoch    billingkey.Epoch
		verified bool
	}
	ranges := map[id][]Seen{}
	ends := map[id]Seen{} // of a run: what a later one tells of it
	for _, s := range all {
		ranges[id{s.Runner, s.Epoch, s.Verified}] = append(ranges[id{s.Runner, s.Epoch, s.Verified}], s)
		if !s.Verified || s.PreviousEpoch.IsZero() {
			continue
		}
		of := id{s.Runner, s.PreviousEpoch, true}
		if told, ok := ends[of]; !ok || s.PreviousLast > told.PreviousLast || s.PreviousLast == told.PreviousLast && s.Age > told.Age {
			ends[of] = s
		}
		if _, ok := ranges[of]; !ok {
			ranges[of] = nil // a run of which nothing arrived
		}
	}
	var runs []Run
	for i, seen := range ranges {
		run := Run{Runner: i.runner, Epoch: i.epoch, Start: i.epoch.Start(), Verified: i.verified, Gaps: []Gap{}}
		end, told := ends[i]
		run.read(Merge(seen), end, told, settle)
		runs = append(runs, run)
	}
	slices.SortFunc(runs, func(a, b Run) int {
		return cmp.Or(cmp.Compare(a.Runner, b.Runner), slices.Compare(a.Epoch[:], b.Epoch[:]), boolCompare(a.Verified, b.Verified))
	})
	return runs
}

// read fills a run from its merged ranges, and from what a later run told of its end.
func (r *Run) read(seen []Seen, end Seen, told bool, settle time.Duration) {
	highest := uint64(0)
	for _, s := range seen {
		if r.Verified && s.First > highest+1 && s.Age >= settle {
			r.add(Range{highest + 1, s.First - 1}, s.Since)
		}
		r.Arrived += s.Count()
		highest = s.Last
	}
	switch {
	case !told:
		r.OpenAfter = &highest
	case end.PreviousLast > highest && end.Age >= settle:
		r.add(Range{highest + 1, end.PreviousLast}, end.Since)
	}
}

func (r *Run) add(missing Range, before time.Time) {
	r.Gaps = append(r.Gaps, Gap{missing, before})
	r.Missing += missing.Count()
}

// Merge joins the ranges of one run that overlap or touch, in their order. Of what it joins it keeps the earliest
// arrival.
func Merge(seen []Seen) []Seen {
	sorted := slices.Clone(seen)
	slices.SortFunc(sorted, func(a, b Seen) int { return cmp.Compare(a.First, b.First) })
	var merged []Seen
	for _, s := range sorted {
		if s.Last < s.First {
			continue // no range
		}
		if n := len(merged); n > 0 && s.First-1 <= merged[n-1].Last {
			into := &merged[n-1]
			into.Last = max(into.Last, s.Last)
			if s.Since.Before(into.Since) {
				into.Since = s.Since
			}
			into.Age = max(into.Age, s.Age)
			if into.PreviousEpoch.IsZero() {
				into.PreviousEpoch, into.PreviousLast = s.PreviousEpoch, s.PreviousLast
			}
			continue
		}
		merged = append(merged, s)
	}
	return merged
}

func boolCompare(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	default:
		return 1
	}
}
