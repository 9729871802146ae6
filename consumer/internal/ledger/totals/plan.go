package totals

// stretch is a part of a query's time that one level answers. The times are seconds since 1970.
type stretch struct {
	Level
	from, to int64
}

// plan cuts each period into as long spans as fit, the longest in its middle. bounds are the beginnings of the periods and
// the end of the last.
func plan(bounds []int64, byConsumer bool) []stretch {
	levels := []Level{{Span: day, ByConsumer: byConsumer}, {Span: hour, ByConsumer: byConsumer}, {Span: quarter}}
	var all []stretch
	for i, from := range bounds[:len(bounds)-1] {
		all = cut(all, from, bounds[i+1], levels)
	}
	return all
}

// cut appends the stretches of [from, to), each to the last one where it goes on with its level.
func cut(all []stretch, from, to int64, levels []Level) []stretch {
	if from >= to || len(levels) == 0 {
		return all
	}
	level, finer := levels[0], levels[1:]
	span := level.Span
	first, last := (from+span-1)/span*span, to/span*span
	if first >= last {
		return cut(all, from, to, finer)
	}
	if first > from { // then there is a finer level: all times are multiples of a quarter
		all = cut(all, from, first, finer)
	}
	if n := len(all); n > 0 && all[n-1].Level == level && all[n-1].to == first {
		all[n-1].to = last
	} else {
		all = append(all, stretch{level, first, last})
	}
	if last < to {
		all = cut(all, last, to, finer)
	}
	return all
}
