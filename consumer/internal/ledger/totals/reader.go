package totals

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"gateway-billing.internal/sql/billingdb"
)

// Reader reads sums. It is safe for concurrent use.
type Reader struct{ db *sql.DB }

// New makes a reader of the database of a ledger.
func New(db *sql.DB) *Reader { return &Reader{db} }

// Query answers a query as of one moment. The error is ErrQuery, ErrTooMany, ErrPruned or the database's.
func (r *Reader) Query(ctx context.Context, q Query) (Result, error) {
	times, err := q.check()
	if err != nil {
		return Result{}, err
	}
	var bounds []int64
	for _, t := range times {
		bounds = append(bounds, t.Unix())
	}
	g := newGroups(&q, bounds)
	err = r.snapshot(ctx, func(s *snapshot) error {
		if q.readsRecords() {
			return s.recordsByDimensions(ctx, bounds[0], bounds[len(bounds)-1], g)
		}
		parts := plan(bounds, q.byConsumer())
		err := s.sums(ctx, parts, g)
		if errors.Is(err, ErrTooMany) && slices.ContainsFunc(parts, func(part stretch) bool { return part.bounds == nil }) {
			// Names of the hours around its time, which come to nothing in the end, may have been too many.
			g = newGroups(&q, bounds)
			err = s.sums(ctx, planWithin(bounds, q.byConsumer()), g)
		}
		return err
	})
	if err != nil {
		return Result{}, fmt.Errorf("totals: %w", err)
	}
	return g.result(q.location()), nil
}

// snapshot is a transaction that sees the database as it was at one moment.
type snapshot struct{ q *billingdb.Queries }

// snapshot lets do read as of one moment: deltas and what they are folded into, records and what sums them.
func (r *Reader) snapshot(ctx context.Context, do func(*snapshot) error) error {
	tx, err := r.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return err
	}
	defer tx.Rollback()
	return do(&snapshot{billingdb.New(tx)})
}

// sums reads what a plan says, and what is not folded yet.
func (s *snapshot) sums(ctx context.Context, parts []stretch, g *groups) error {
	first, behind, err := s.folded(ctx)
	if err != nil {
		return err
	}
	parts = slices.DeleteFunc(slices.Clone(parts), func(part stretch) bool {
		return part.to <= first || part.from >= behind // of which a query of decades has many
	})
	for _, parts := range together(parts) {
		if err := s.level(ctx, parts, g.filter.Consumers, g.atAny(parts)); err != nil {
			return err
		}
	}
	return s.unfolded(ctx, g.bounds[0], g.bounds[len(g.bounds)-1], g.all())
}

// folded is the time outside of which nothing is folded, in whole days; from its end to its beginning where nothing is.
func (s *snapshot) folded(ctx context.Context) (first, behind int64, err error) {
	days := Level{Span: day}
	ends, err := s.q.RollupEnds(ctx, billingdb.RollupEndsParams{Span: int32(days.Span / 60), Cut: days.cut()})
	if err != nil {
		return 0, 0, fmt.Errorf("ends of the sums: %w", err)
	}
	if len(ends) == 0 {
		return math.MaxInt64, math.MinInt64, nil
	}
	return ends[0].Unix(), ends[len(ends)-1].Unix() + days.Span, nil
}

// page is how many rows one statement reads: what is held in memory beside the groups.
const page = 2000

// adder takes sums that begin at a time (seconds since 1970) under names.
type adder func(start int64, n *names, sums *Sums) error

// level reads what is folded of one or more stretches of one level. consumers are those that matter, all when there are none;
// others may come too.
func (s *snapshot) level(ctx context.Context, parts []stretch, consumers []*string, add adder) error {
	l, from, to := parts[0].Level, parts[0].from, parts[0].to
	for i := range parts {
		from, to = min(from, parts[i].from), max(to, parts[i].to)
	}
	p := billingdb.RollupSumsParams{
		Span: int32(l.Span / 60), Cut: l.cut(), TimeFrom: at(from), TimeTo: at(to), AfterStart: at(from), AfterBucket: []byte{},
		AnyStart: len(parts) == 1, AnyConsumer: len(consumers) == 0, UnknownConsumer: false, Limit: page,
	}
	if len(parts) > 1 {
		for _, part := range parts {
			for start := part.from; start < part.to; start += l.Span {
				p.Starts = append(p.Starts, at(start))
			}
		}
	}
	for _, c := range consumers {
		if c == nil {
			p.UnknownConsumer = true
		} else {
			p.Consumers = append(p.Consumers, c)
		}
	}
	for {
		last, err := s.levelPage(ctx, l, p, add)
		if err != nil {
			return fmt.Errorf("sums: %w", err)
		}
		if last == nil {
			return nil
		}
		p.AfterStart, p.AfterBucket, p.AfterUnit = last.Start, last.Bucket, last.Unit
	}
}

// row is sums of one unit, of whichever table.
type row billingdb.RollupSumsRow

// levelPage reads one page; last is nil where it was the last one.
func (s *snapshot) levelPage(ctx context.Context, l Level, p billingdb.RollupSumsParams, add adder) (last *row, err error) {
	if l != hourly {
		rows, err := s.q.RollupSums(ctx, p)
		if err != nil {
			return nil, err
		}
		return addRows(rows, func(r *billingdb.RollupSumsRow) *row { return (*row)(r) }, add)
	}
	rows, err := s.q.HourlySums(ctx, billingdb.HourlySumsParams{
		TimeFrom: p.TimeFrom, TimeTo: p.TimeTo, AfterStart: p.AfterStart, AfterBucket: p.AfterBucket, AfterUnit: p.AfterUnit,
		AnyStart: p.AnyStart, Starts: p.Starts, AnyConsumer: p.AnyConsumer, Consumers: p.Consumers, UnknownConsumer: p.UnknownConsumer, Limit: p.Limit,
	})
	if err != nil {
		return nil, err
	}
	return addRows(rows, func(r *billingdb.HourlySumsRow) *row { return (*row)(r) }, add)
}

func addRows[T any](rows []T, as func(*T) *row, add adder) (last *row, err error) {
	for i := range rows {
		if err := addRow(as(&rows[i]), add); err != nil {
			return nil, err
		}
	}
	if len(rows) < page {
		return nil, nil
	}
	return as(&rows[len(rows)-1]), nil
}

// unfolded reads the deltas that are not folded yet of [from, to).
func (s *snapshot) unfolded(ctx context.Context, from, to int64, add adder) error {
	p := billingdb.UnfoldedSumsParams{AfterID: math.MinInt64, TimeFrom: at(from), TimeTo: at(to), Limit: page}
	for {
		rows, err := s.q.UnfoldedSums(ctx, p)
		if err != nil {
			return fmt.Errorf("deltas: %w", err)
		}
		for i := range rows {
			if err := addRow(rowOf((*billingdb.TakeUsageDeltasRow)(&rows[i])), add); err != nil {
				return err
			}
		}
		if len(rows) < page {
			return nil
		}
		p.AfterID = rows[len(rows)-1].ID
	}
}

// rowOf is a delta as a row of sums.
func rowOf(d *billingdb.TakeUsageDeltasRow) *row {
	return &row{
		Start: d.Quarter, Unit: d.Unit, Consumer: d.Consumer, RouteID: d.RouteID, ServiceID: d.ServiceID, Model: d.Model,
		StatusClass: d.StatusClass, Billable: d.Billable, Figures: d.Figures,
	}
}

func at(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }
