package totals

import "sort"

// stretch is a part of a query's time that one level answers. The times are seconds since 1970.
type stretch struct {
	Level
	from, to int64
	// bounds are the beginnings of the periods that its sums go to, and the end of the last. Where they are nil, the sums
	// are added to the period plus and taken away from the period minus; -1 is none.
	bounds      []int64
	plus, minus int
}

// period is where sums that begin at a time are added.
func (s *stretch) period(start int64) int {
	if s.bounds == nil {
		return s.plus
	}
	return sort.Search(len(s.bounds), func(i int) bool { return s.bounds[i] > start }) - 1
}

// plan is the cheaper of two ways to read the periods. bounds are the beginnings of the periods and the end of the last.
func plan(bounds []int64, byConsumer bool) []stretch {
	within, around := planWithin(bounds, byConsumer), planAround(bounds, byConsumer)
	if spans(around) < spans(within) {
		return around
	}
	return within
}

// spans is how many spans are read, which is what a plan costs.
func spans(all []stretch) (n int64) {
	for i := range all {
		n += all[i].spans()
	}
	return n
}

func (s *stretch) spans() int64 { return (s.to - s.from) / s.Span }

// together are stretches of a plan of which one statement reads all: those of one level that move sums, of which a zone's
// month of days has 32 with a few spans each. Others are read alone.
func together(all []stretch) (groups [][]stretch) {
	moving, spans := map[Level][]stretch{}, map[Level]int64{}
	for _, s := range all {
		if s.bounds != nil {
			groups = append(groups, []stretch{s})
			continue
		}
		if n := spans[s.Level] + s.spans(); n <= maxStarts {
			spans[s.Level] = n
			moving[s.Level] = append(moving[s.Level], s)
			continue
		}
		groups = append(groups, moving[s.Level])
		moving[s.Level], spans[s.Level] = []stretch{s}, s.spans()
	}
	for _, l := range levels {
		if len(moving[l]) > 0 {
			groups = append(groups, moving[l])
		}
	}
	return groups
}

// maxStarts is how many spans a statement names. One stretch that moves sums has 48 at most: half a day of quarters.
const maxStarts = 500

func levelsOf(byConsumer bool) []Level {
	return []Level{{Span: day, ByConsumer: byConsumer}, {Span: hour, ByConsumer: byConsumer}, {Span: quarter, ByConsumer: byConsumer}}
}

// planWithin cuts each period into as long spans as fit, the longest in its middle.
func planWithin(bounds []int64, byConsumer bool) []stretch {
	var all []stretch
	for i, from := range bounds[:len(bounds)-1] {
		all = cut(all, stretch{from: from, to: bounds[i+1], bounds: bounds}, levelsOf(byConsumer))
	}
	return all
}

// planAround reads whole days (UTC), each for the period to which it nearly belongs, and at every bound moves what lies between
// the bound and the nearest midnight from the period that got it to the one whose it is. So a zone's days cost the days and
// the hours that the zone is off, not all their hours.
func planAround(bounds []int64, byConsumer bool) []stretch {
	midnights := make([]int64, len(bounds))
	for i, b := range bounds {
		midnights[i] = (b + day/2) / day * day
	}
	levels, last := levelsOf(byConsumer), len(bounds)-1
	all := cut(nil, stretch{from: midnights[0], to: midnights[last], bounds: midnights}, levels)
	for i, b := range bounds {
		before, behind := i-1, i // the periods on both sides of the bound
		if i == last {
			behind = -1
		}
		if midnights[i] > b {
			all = cut(all, stretch{from: b, to: midnights[i], plus: behind, minus: before}, levels[1:])
		} else {
			all = cut(all, stretch{from: midnights[i], to: b, plus: before, minus: behind}, levels[1:])
		}
	}
	return all
}

// cut appends a stretch, in parts of as long spans as fit: each to the last part where it goes on with that.
func cut(all []stretch, s stretch, levels []Level) []stretch {
	if s.from >= s.to || len(levels) == 0 {
		return all
	}
	level, finer := levels[0], levels[1:]
	first, last := (s.from+level.Span-1)/level.Span*level.Span, s.to/level.Span*level.Span
	if first >= last {
		return cut(all, s, finer)
	}
	part := func(from, to int64) stretch {
		p := s
		p.from, p.to = from, to
		return p
	}
	all = cut(all, part(s.from, first), finer) // nothing, or there is a finer level: all times are multiples of a quarter
	whole := part(first, last)
	whole.Level = level
	if n := len(all); n > 0 && s.bounds != nil && all[n-1].Level == level && all[n-1].to == first {
		all[n-1].to = last
	} else {
		all = append(all, whole)
	}
	return cut(all, part(last, s.to), finer)
}
