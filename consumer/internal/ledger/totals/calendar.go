package totals

import (
	"time"

	_ "time/tzdata" // a machine's own time zones may be old, or not there
)

// Location gives a time zone by its IANA name, such as Europe/Berlin; "" is UTC.
func Location(name string) (*time.Location, error) {
	if name == "Local" { // whatever zone the machine happens to have
		return nil, wrong("zone", "is unknown: %q", name)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, wrong("zone", "is unknown: %q", name)
	}
	return loc, nil
}

// periods are the times in [from, to) at which a period of the calendar begins in a zone, from among them and to behind them.
// by is ByHour, ByDay or ByMonth; anything else makes one period of all.
func periods(from, to time.Time, by By, loc *time.Location) []time.Time {
	all := []time.Time{from}
	next := from
	for {
		switch by {
		case ByHour:
			next = nextHour(next, loc)
		case ByDay:
			y, m, d := next.In(loc).Date()
			next = laterDay(next, y, m, d+1, loc)
		case ByMonth:
			y, m, _ := next.In(loc).Date()
			next = laterDay(next, y, m+1, 1, loc)
		default:
			next = to
		}
		if !next.Before(to) {
			return append(all, to)
		}
		all = append(all, next)
	}
}

// nextHour is when the zone's clock next shows a full hour, or is put.
func nextHour(t time.Time, loc *time.Location) time.Time {
	local := t.In(loc)
	full := t.Add(time.Hour - time.Duration(local.Minute())*time.Minute - time.Duration(local.Second())*time.Second)
	for at := local; ; {
		end := zoneEnd(at)
		if end.IsZero() || !end.Before(full) {
			return full
		}
		if offset(end, loc) != offset(t, loc) {
			return end
		}
		at = end.In(loc) // the zone has another name from here on, and no other clock
	}
}

// laterDay is the first beginning of a day behind t, from the given day on: a zone that changed sides of the date line left
// a day out.
func laterDay(t time.Time, y int, m time.Month, d int, loc *time.Location) time.Time {
	for {
		if start := DayStart(y, m, d, loc); start.After(t) {
			return start
		}
		d++
	}
}

// DayStart is when a day begins in a zone: the last moment at which the calendar turns to it. Where clocks are put forward
// at midnight that is no midnight, and where they are put back to before it, it is the second one. A day that the zone left
// out begins with the next.
func DayStart(y int, m time.Month, d int, loc *time.Location) time.Time {
	midnight := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	from, to := midnight.Add(-26*time.Hour), midnight.Add(26*time.Hour)
	var start time.Time
	before := from.Add(time.Duration(offset(from, loc)) * time.Second) // what the clock had come to, before it was put
	for at := from; at.Before(to); {
		end := zoneEnd(at.In(loc))
		if end.IsZero() || end.After(to) {
			end = to
		}
		shift := time.Duration(offset(at, loc)) * time.Second
		switch turn := midnight.Add(-shift); { // midnight by the clock that is shown from at to end
		case turn.After(at) && turn.Before(end):
			start = turn
		case !turn.After(at) && !before.After(midnight): // the clock was put to midnight or over it
			start = at
		}
		before = end.Add(shift)
		at = end
	}
	return start
}

// zoneEnd is when a zone's clock is put next, or some time before that; the zero time where it never is.
func zoneEnd(t time.Time) time.Time {
	_, end := t.ZoneBounds()
	if !end.IsZero() && !end.After(t) {
		// Behind the years that a zone's table has, package time takes the last day of a leap year for one that is over: Berlin's
		// 2040-12-31 ends when it begins. No zone puts its clock then.
		return t.Add(time.Hour)
	}
	return end
}

func offset(t time.Time, loc *time.Location) int {
	_, seconds := t.In(loc).Zone()
	return seconds
}
