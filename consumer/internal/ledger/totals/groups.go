package totals

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strconv"
	"time"
)

// names are what usage is summed by, time apart.
type names struct {
	consumer, route, service, model, status *string
	billable                                bool
	// dimensions are there where records are read.
	dimensions map[string]string
}

func (n *names) of(by By) *string {
	switch by {
	case ByConsumer:
		return n.consumer
	case ByRoute:
		return n.route
	case ByService:
		return n.service
	case ByModel:
		return n.model
	case ByStatus:
		return n.status
	case ByBillable:
		text := strconv.FormatBool(n.billable)
		return &text
	}
	if name, ok := by.dimension(); ok {
		if value, known := n.dimensions[name]; known {
			return &value
		}
	}
	return nil
}

func (f *Filter) takes(n *names) bool {
	for name, value := range f.Dimensions {
		if have, ok := n.dimensions[name]; !ok || have != value {
			return false
		}
	}
	return (f.Billable == nil || *f.Billable == n.billable) && listed(f.Consumers, n.consumer) && listed(f.Routes, n.route) &&
		listed(f.Services, n.service) && listed(f.Models, n.model) && listed(f.Statuses, n.status)
}

func listed(list []*string, name *string) bool {
	return len(list) == 0 || slices.ContainsFunc(list, func(l *string) bool { return compareNames(l, name) == 0 })
}

// compareNames puts the unknown name first.
func compareNames(a, b *string) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	return cmp.Compare(*a, *b)
}

// groups gathers the rows of a query.
type groups struct {
	filter Filter
	by     []By
	bounds []int64
	max    int
	byKey  map[string]*group
	key    []byte
}

type group struct {
	period int
	names  []*string
	sums   Sums
}

// add adds sums that begin at a time (seconds since 1970) under names.
func (g *groups) add(start int64, n *names, sums *Sums) error {
	if !g.filter.takes(n) {
		return nil
	}
	period, exact := slices.BinarySearch(g.bounds, start)
	if !exact {
		period--
	}
	// A name goes into the key with its length, and the unknown one without.
	key := binary.AppendVarint(g.key[:0], int64(period))
	for _, by := range g.by {
		if name := n.of(by); name == nil {
			key = binary.AppendVarint(key, -1)
		} else {
			key = append(binary.AppendVarint(key, int64(len(*name))), *name...)
		}
	}
	g.key = key
	have := g.byKey[string(key)]
	if have == nil {
		if len(g.byKey) == g.max {
			return ErrTooMany
		}
		have = &group{period: period, names: make([]*string, len(g.by))}
		for i, by := range g.by {
			have.names[i] = n.of(by)
		}
		g.byKey[string(key)] = have
	}
	have.sums.Add(sums)
	return nil
}

func (g *groups) result(loc *time.Location) Result {
	var r Result
	for _, have := range g.byKey {
		if have.sums.IsZero() {
			continue // what was raised away
		}
		r.Rows = append(r.Rows, Row{
			Start: time.Unix(g.bounds[have.period], 0).In(loc), End: time.Unix(g.bounds[have.period+1], 0).In(loc),
			Names: have.names, Sums: have.sums,
		})
	}
	slices.SortFunc(r.Rows, func(a, b Row) int {
		return cmp.Or(a.Start.Compare(b.Start), slices.CompareFunc(a.Names, b.Names, compareNames))
	})
	for i := range r.Rows {
		r.Total.Add(&r.Rows[i].Sums)
	}
	return r
}
