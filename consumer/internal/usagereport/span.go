package usagereport

import (
	"fmt"
	"strings"
	"time"

	"gateway-billing.internal/consumer/internal/ledger/totals"
)

// TimeForms says what Span understands.
const TimeForms = "today, yesterday, this-month, last-month, a day (2026-11-24), a month (2026-11) or a time\n(2026-11-24T08:00:00Z)"

// TimeError is a time that can't be meant.
type TimeError struct {
	// Name is from or to.
	Name, Problem string
}

func (e *TimeError) Error() string { return "--" + e.Name + " " + e.Problem }

// Span is the time from and to name in a zone: from the beginning of what from names to the beginning of what to names.
// Without to it ends where what from names ends; a time does so now, at the end of the present quarter of an hour. The error is
// a *TimeError.
func Span(from, to string, now time.Time, loc *time.Location) (begin, end time.Time, err error) {
	begin, end, err = named(from, now, loc)
	if err != nil {
		return begin, end, &TimeError{"from", err.Error()}
	}
	if to != "" {
		if end, _, err = named(to, now, loc); err != nil {
			return begin, end, &TimeError{"to", err.Error()}
		}
	}
	if !begin.Before(end) {
		return begin, end, &TimeError{"from", fmt.Sprintf("%s does not lie before %s, where it ends", begin.Format(time.RFC3339), end.Format(time.RFC3339))}
	}
	return begin, end, nil
}

// Beginning is the beginning of what a text names in a zone.
func Beginning(text string, now time.Time, loc *time.Location) (time.Time, error) {
	begin, _, err := named(text, now, loc)
	return begin, err
}

// named is the time that a text names, from its beginning to its end.
func named(text string, now time.Time, loc *time.Location) (begin, end time.Time, err error) {
	days := func(y int, m time.Month, d, days, months int) (begin, end time.Time, err error) {
		return totals.DayStart(y, m, d, loc), totals.DayStart(y, m+time.Month(months), d+days, loc), nil
	}
	y, m, d := now.In(loc).Date()
	switch text {
	case "today":
		return days(y, m, d, 1, 0)
	case "yesterday":
		return days(y, m, d-1, 1, 0)
	case "this-month":
		return days(y, m, 1, 0, 1)
	case "last-month":
		return days(y, m-1, 1, 0, 1)
	}
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		y, m, d = t.Date()
		return days(y, m, d, 1, 0)
	}
	if t, err := time.Parse("2006-01", text); err == nil {
		y, m, _ = t.Date()
		return days(y, m, 1, 0, 1)
	}
	// RFC 3339 lets t and z be lower case; package time does not.
	if t, err := time.Parse(time.RFC3339, strings.ToUpper(text)); err == nil {
		return t, now.Add(15*time.Minute - 1).Truncate(15 * time.Minute), nil
	}
	return begin, end, fmt.Errorf("must be %s", strings.ReplaceAll(TimeForms, "\n", " "))
}
