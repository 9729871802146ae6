package totals

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// ErrQuery is a query that can't be answered as it is asked: a *QueryError.
var ErrQuery = errors.New("query")

// QueryError says what of a query is wrong, and repeats nothing but names of the query.
type QueryError struct {
	// Part is from, to, zone, by or status. Problem goes on behind it.
	Part, Problem string
}

func (e *QueryError) Error() string { return ErrQuery.Error() + ": " + e.Part + " " + e.Problem }

func (e *QueryError) Unwrap() error { return ErrQuery }

func wrong(part, format string, args ...any) error {
	return &QueryError{part, fmt.Sprintf(format, args...)}
}

// By is what rows are grouped by: one of the constants, or a dimension (see ByDimension).
type By string

// What rows can be grouped by. Of hour, day and month, which are those of the query's time zone, a query takes one.
const (
	ByHour     By = "hour"
	ByDay      By = "day"
	ByMonth    By = "month"
	ByConsumer By = "consumer"
	ByRoute    By = "route"
	ByService  By = "service"
	ByModel    By = "model"
	ByStatus   By = "status" // classes: 2xx
	ByBillable By = "billable"
)

const dimensionPrefix = "dimension:"

// ByDimension groups by a dimension of the stamps. Such a query reads all records of its time, so it takes seconds for
// each million, and ErrPruned comes back where the ledger no longer holds them.
func ByDimension(name string) By { return By(dimensionPrefix + name) }

func (b By) dimension() (name string, ok bool) { return strings.CutPrefix(string(b), dimensionPrefix) }

// IsTime says whether it is hour, day or month.
func (b By) IsTime() bool { return b == ByHour || b == ByDay || b == ByMonth }

// ParseBy reads what people write: a constant's text, or dimension:NAME.
func ParseBy(text string) (By, error) {
	by := By(text)
	if name, ok := by.dimension(); ok && name != "" {
		return by, nil
	}
	if by.IsTime() || slices.Contains([]By{ByConsumer, ByRoute, ByService, ByModel, ByStatus, ByBillable}, by) {
		return by, nil
	}
	return "", wrong("by", "must be of hour, day, month, consumer, route, service, model, status, billable and dimension:NAME")
}

// Query asks for the sums of the records whose requests began in [From, To).
type Query struct {
	// From and To are multiples of a quarter of an hour.
	From, To time.Time
	// Location is the zone of hours, days and months; nil is UTC.
	Location *time.Location
	// By is what rows are grouped by, nothing twice; without any there is one row.
	By     []By
	Filter Filter
	// MaxRows is the most rows to answer with, 0 for MaxRows. With more the error is ErrTooMany.
	MaxRows int
	// MaxNames is the most bytes of all rows' names together, what they are grouped by counted with each row, 0 for no limit
	// but MaxRows. With more the error is ErrTooMany.
	MaxNames int
}

// statusClass is a class of the status as the ledger makes them.
var statusClass = regexp.MustCompile(`^[1-9]xx$`)

// MaxRows is the most rows of an answer.
const MaxRows = 1_000_000

// ErrTooMany is a query with more rows than it takes.
var ErrTooMany = errors.New("too many rows: ask for less time or fewer groups")

// Filter picks records: those for which each of its lists that is not empty holds the record's name. In a list nil is the
// unknown name, and an empty one is known to be empty: an anonymous request, an unmatched route.
type Filter struct {
	Consumers, Routes, Services, Models []*string
	// Statuses are classes such as 2xx.
	Statuses []*string
	// Billable is nil for both.
	Billable *bool
	// Dimensions are names and the value that each must have. As with ByDimension, the records are read.
	Dimensions map[string]string
}

// Row is one group.
type Row struct {
	// Start and End are the part of the group's hour, day or month that lies in the query's time; without such a group the
	// query's time itself. In the query's location.
	Start, End time.Time
	// Names are the group's names in the order of the query's By, time left out; nil is unknown. Billable is true or false.
	Names []*string
	Sums
}

// Result is the answer. Its rows are sorted by time, then names, the unknown ones first; what nobody used has no row.
type Result struct {
	Rows []Row
	// Total is the sum of all rows.
	Total Sums
}

// Names are what Row.Names stand for: By without time.
func (q *Query) Names() []By {
	return slices.DeleteFunc(slices.Clone(q.By), By.IsTime)
}

// time is the By that is time, "" without one.
func (q *Query) time() By {
	if i := slices.IndexFunc(q.By, By.IsTime); i >= 0 {
		return q.By[i]
	}
	return ""
}

// maxPeriods bounds what a query is cut into: a hundred years of days, four of hours.
const maxPeriods = 36_525

// Check says what is wrong with the query, as Reader.Query would: ErrQuery.
func (q *Query) Check() error {
	_, err := q.check()
	return err
}

// check says what is wrong with the query, and gives the beginnings of its periods and the end of the last.
func (q *Query) check() ([]time.Time, error) {
	times := 0
	for i, by := range q.By {
		if _, err := ParseBy(string(by)); err != nil {
			return nil, err
		}
		if slices.Contains(q.By[:i], by) {
			return nil, wrong("by", "has %s twice", by)
		}
		if by.IsTime() {
			times++
		}
	}
	if times > 1 {
		return nil, wrong("by", "takes only one of hour, day and month")
	}
	if !q.From.Before(q.To) {
		return nil, wrong("from", "must lie before the end")
	}
	// Both by the zone too: no text has room for a year of five digits.
	if q.From.UTC().Year() < 1970 {
		return nil, wrong("from", "must lie in the year 1970 or later")
	}
	if max(q.To.UTC().Year(), q.To.In(q.location()).Year()) > 9999 {
		return nil, wrong("to", "must lie in the year 9999 or before")
	}
	for _, s := range q.Filter.Statuses {
		if s != nil && *s != "" && !statusClass.MatchString(*s) {
			return nil, wrong("status", "must be a class such as 2xx, or ? for the unknown one")
		}
	}
	shortest := map[By]time.Duration{ByHour: time.Hour, ByDay: 24 * time.Hour, ByMonth: 28 * 24 * time.Hour}[q.time()]
	if shortest > 0 && q.To.Sub(q.From)/shortest > maxPeriods {
		return nil, wrong("by", "cuts this time into more than %d times %s", maxPeriods, q.time())
	}
	loc := q.location()
	all := periods(q.From, q.To, q.time(), loc)
	for i, t := range all {
		if t.Unix()%quarter == 0 && t.Nanosecond() == 0 {
			continue
		}
		switch i {
		case 0:
			return nil, wrong("from", "must be on a quarter of an hour (UTC)")
		case len(all) - 1:
			return nil, wrong("to", "must be on a quarter of an hour (UTC)")
		}
		return nil, wrong("zone", "has a %s that does not begin on a quarter of an hour (UTC)", q.time())
	}
	return all, nil
}

func (q *Query) location() *time.Location {
	if q.Location == nil {
		return time.UTC
	}
	return q.Location
}

// readsRecords says whether the sums that are kept can't answer.
func (q *Query) readsRecords() bool {
	return len(q.Filter.Dimensions) > 0 || slices.ContainsFunc(q.By, func(b By) bool { _, ok := b.dimension(); return ok })
}

// byConsumer says whether APISIX consumer and billable are all the names that matter.
func (q *Query) byConsumer() bool {
	f := &q.Filter
	return len(f.Routes)+len(f.Services)+len(f.Models)+len(f.Statuses) == 0 &&
		!slices.ContainsFunc(q.By, func(b By) bool { return !b.IsTime() && b != ByConsumer && b != ByBillable })
}
