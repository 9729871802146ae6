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
	// bytes are those of all keys, and for each of them those of what is grouped by; maxBytes is the most of them, 0 for any.
	bytes, maxBytes, labelBytes int
}

func newGroups(q *Query, bounds []int64) *groups {
	g := &groups{filter: q.Filter, by: q.Names(), bounds: bounds, max: q.MaxRows, maxBytes: q.MaxNames, byKey: map[string]*group{}}
	if g.max <= 0 || g.max > MaxRows {
		g.max = MaxRows
	}
	for _, by := range g.by {
		g.labelBytes += len(strconv.Quote(string(by)))
	}
	return g
}

type group struct {
	period int
	names  []*string
	sums   Sums
}

// atAny adds what is read for several stretches.
func (g *groups) atAny(parts []stretch) adder {
	if len(parts) == 1 {
		return g.at(&parts[0])
	}
	byStart := map[int64][]adder{}
	for i := range parts {
		add := g.at(&parts[i])
		for start := parts[i].from; start < parts[i].to; start += parts[i].Span {
			byStart[start] = append(byStart[start], add)
		}
	}
	return func(start int64, n *names, sums *Sums) error {
		for _, add := range byStart[start] {
			if err := add(start, n, sums); err != nil {
				return err
			}
		}
		return nil
	}
}

// at adds what is read for a stretch.
func (g *groups) at(part *stretch) adder {
	return func(start int64, n *names, sums *Sums) error {
		if !g.filter.takes(n) {
			return nil
		}
		if p := part.period(start); p >= 0 {
			if err := g.add(p, n, sums); err != nil {
				return err
			}
		}
		if part.bounds != nil || part.minus < 0 {
			return nil
		}
		return g.add(part.minus, n, sums.Negative())
	}
}

// all adds what lies anywhere in the query's time.
func (g *groups) all() adder { return g.at(&stretch{bounds: g.bounds}) }

// add adds sums under names to a period.
func (g *groups) add(period int, n *names, sums *Sums) error {
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
		if g.bytes += len(key) + g.labelBytes; len(g.byKey) == g.max || g.maxBytes > 0 && g.bytes > g.maxBytes {
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
	all := make([]*group, 0, len(g.byKey))
	for _, have := range g.byKey {
		if !have.sums.IsZero() { // as what was raised away, or moved to another period
			all = append(all, have)
		}
	}
	slices.SortFunc(all, func(a, b *group) int {
		return cmp.Or(cmp.Compare(a.period, b.period), slices.CompareFunc(a.names, b.names, compareNames))
	})
	times := make([]time.Time, len(g.bounds))
	for i, b := range g.bounds {
		times[i] = time.Unix(b, 0).In(loc)
	}
	r := Result{Rows: make([]Row, len(all))}
	for i, have := range all {
		r.Rows[i] = Row{Start: times[have.period], End: times[have.period+1], Names: have.names, Sums: have.sums}
		r.Total.Add(&have.sums)
	}
	return r
}
