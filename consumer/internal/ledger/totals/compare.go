package totals

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Difference is a sum that is not that of its records.
type Difference struct {
	Level Level
	Start time.Time
	// Consumer, Route, Service, Model and Status are the names of the sum, as far as its level keeps them; nil is unknown.
	Consumer, Route, Service, Model, Status *string
	Billable                                bool
	// Records is what the records add up to, Kept what deltas and folded sums say.
	Records, Kept Sums
}

func (l Level) String() string {
	span := map[int64]string{quarter: "quarter", hour: "hour", day: "day"}[l.Span]
	if l.ByConsumer {
		return span + " by APISIX consumer"
	}
	return span
}

// Compared is what a comparison came to.
type Compared struct {
	// Records and Days were compared.
	Records, Days int64
	// Differences is how many sums were not those of their records.
	Differences int64
	// Horizon is set where the ledger is pruned up to it, so that what lies before could not be compared.
	Horizon time.Time
}

// Verify holds all sums of [from, to) against the records, day for day, each as of one moment. Both times are multiples of
// a quarter of an hour; sums of spans that they cut are left out. It may run while anybody writes. progress is told of each
// day how many records it had.
func (r *Reader) Verify(ctx context.Context, from, to time.Time, found func(Difference), progress func(records int64)) (done Compared, err error) {
	err = r.eachDay(ctx, from, to, func(from, to int64) error {
		return r.snapshot(ctx, func(s *snapshot) error {
			horizon, err := s.horizon(ctx)
			if err != nil {
				return err
			}
			if at(from).Before(horizon) {
				done.Horizon = horizon
				from = (horizon.UnixMilli() + quarter*1000 - 1) / (quarter * 1000) * quarter // the first quarter that is whole
				if from >= to {
					return nil
				}
			}
			all, records, err := s.compare(ctx, from, to)
			if err != nil {
				return err
			}
			done.Days++
			done.Records += records
			progress(records)
			for _, c := range all {
				for _, d := range c.list() {
					done.Differences++
					found(d)
				}
			}
			return nil
		})
	})
	if err != nil {
		return done, fmt.Errorf("verify: %w", err)
	}
	return done, nil
}

// comparison is of one level: by bucket what records add up to, and what is kept.
type comparison struct {
	level         Level
	records, kept buckets
}

// compare sums the records of [from, to) and holds each level that has whole spans in it against them.
func (s *snapshot) compare(ctx context.Context, from, to int64) (all []comparison, records int64, err error) {
	counted, unfolded := buckets{}, buckets{}
	err = s.records(ctx, from, to, func(start int64, n *names, sums *Sums) error {
		records++
		return counted.add(start, n, sums)
	})
	if err != nil {
		return nil, 0, err
	}
	if err := s.unfolded(ctx, from, to, unfolded.add); err != nil {
		return nil, 0, err
	}
	for _, l := range levels {
		first, last := (from+l.Span-1)/l.Span*l.Span, to/l.Span*l.Span
		if first >= last {
			continue
		}
		c := comparison{l, counted.between(first, last).at(l), unfolded.between(first, last).at(l)}
		if l == (Level{Span: quarter}) { // at gave the same map, which is needed as it is for the other levels
			c.kept = buckets{}
			for key, have := range unfolded {
				c.kept.of(key, &have.names).sums.Add(&have.sums)
			}
		}
		err := s.level(ctx, []stretch{{Level: l, from: first, to: last}}, nil, func(start int64, n *names, sums *Sums) error {
			c.kept.of(bucket{start, n.hash()}, n).sums.Add(sums)
			return nil
		})
		if err != nil {
			return nil, 0, err
		}
		all = append(all, c)
	}
	return all, records, nil
}

// between are the buckets that begin in [from, to).
func (b buckets) between(from, to int64) buckets {
	all := buckets{}
	for key, have := range b {
		if key.start >= from && key.start < to {
			all[key] = have
		}
	}
	return all
}

// missing are what the level lacks of the records' sums, where they differ: negative where it has too much.
func (c *comparison) missing() buckets {
	all := buckets{}
	for key, have := range c.records {
		all.of(key, &have.names).sums.Add(&have.sums)
	}
	for key, have := range c.kept {
		all.of(key, &have.names).sums.Add(have.sums.Negative())
	}
	for key, have := range all {
		if have.sums.IsZero() {
			delete(all, key)
		}
	}
	return all
}

// list are the differences, sorted.
func (c *comparison) list() []Difference {
	var all []Difference
	for key, have := range c.missing() {
		n := have.names
		d := Difference{
			Level: c.level, Start: at(key.start), Consumer: n.consumer, Route: n.route, Service: n.service, Model: n.model, Status: n.status,
			Billable: n.billable,
		}
		if sums := c.records[key]; sums != nil {
			d.Records = sums.sums
		}
		if sums := c.kept[key]; sums != nil {
			d.Kept = sums.sums
		}
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b Difference) int {
		if order := a.Start.Compare(b.Start); order != 0 {
			return order
		}
		return slices.CompareFunc([]*string{a.Consumer, a.Route, a.Service, a.Model, a.Status},
			[]*string{b.Consumer, b.Route, b.Service, b.Model, b.Status}, compareNames)
	})
	return all
}

// Fields say in what the two differ: name, records, kept.
func (d *Difference) Fields() (all [][3]string) {
	add := func(name, records, kept string) {
		if records != kept {
			all = append(all, [3]string{name, records, kept})
		}
	}
	add("records", fmt.Sprint(d.Records.Records), fmt.Sprint(d.Kept.Records))
	add("usage_missing", fmt.Sprint(d.Records.UsageMissing), fmt.Sprint(d.Kept.UsageMissing))
	add("usage_partial", fmt.Sprint(d.Records.UsagePartial), fmt.Sprint(d.Kept.UsagePartial))
	records, kept := d.Records.tokens(), d.Kept.tokens()
	for i, name := range tokenNames {
		add(name, records[i].String(), kept[i].String())
	}
	units := slices.AppendSeq(slices.Collect(maps.Keys(d.Records.Quantities)), maps.Keys(d.Kept.Quantities))
	slices.Sort(units)
	for _, unit := range slices.Compact(units) {
		add(unit, d.Records.Quantities[unit].String(), d.Kept.Quantities[unit].String())
	}
	return all
}
