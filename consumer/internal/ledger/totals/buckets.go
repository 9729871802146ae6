package totals

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"slices"
	"strconv"

	"gateway-billing.internal/consumer/internal/ledger/coalesce"
	"gateway-billing.internal/sql/billingdb"
)

// bucket is where sums of one level stand: their time and a hash of their names, which a unique key can compare.
type bucket struct {
	start int64
	names [sha256.Size]byte
}

// hash is of all names. Each goes into it with its length, so that no two lists of names are alike, and the unknown name is
// not the empty one.
func (n *names) hash() [sha256.Size]byte {
	var text []byte
	for _, name := range [...]*string{n.consumer, n.route, n.service, n.model, n.status} {
		if name == nil {
			text = append(text, '-')
			continue
		}
		text = append(append(strconv.AppendInt(text, int64(len(*name)), 10), ':'), *name...)
	}
	if n.billable {
		return sha256.Sum256(append(text, '1'))
	}
	return sha256.Sum256(append(text, '0'))
}

// buckets are sums of one level.
type buckets map[bucket]*bucketSums

type bucketSums struct {
	names names
	sums  Sums
}

// add is an adder of the level by quarters and all names.
func (b buckets) add(start int64, n *names, sums *Sums) error {
	b.of(bucket{start / quarter * quarter, n.hash()}, n).sums.Add(sums)
	return nil
}

func (b buckets) of(key bucket, n *names) *bucketSums {
	have := b[key]
	if have == nil {
		have = &bucketSums{names: *n}
		b[key] = have
	}
	return have
}

// at sums the buckets of quarters and all names up by another level.
func (b buckets) at(l Level) buckets {
	if l == (Level{Span: quarter}) {
		return b
	}
	all := buckets{}
	for key, have := range b {
		n := have.names
		if l.ByConsumer {
			n = l.of(n)
			key.names = n.hash()
		}
		key.start = key.start / l.Span * l.Span
		all.of(key, &n).sums.Add(&have.sums)
	}
	return all
}

// write adds the buckets to the level's table, in the order of its key, so that two who do so wait for each other and do not
// deadlock.
func (b buckets) write(ctx context.Context, l Level, db billingdb.DBTX, limits coalesce.Limits) error {
	var all []billingdb.AddUsageRollupParams
	for key, have := range b {
		all = append(all, have.rows(key, l)...)
	}
	slices.SortFunc(all, func(a, b billingdb.AddUsageRollupParams) int {
		return cmp.Or(a.Start.Compare(b.Start), bytes.Compare(a.Bucket, b.Bucket), cmp.Compare(a.Unit, b.Unit))
	})
	batch := coalesce.New(db, limits)
	q := billingdb.New(batch)
	for _, p := range all {
		var err error
		if l != hourly {
			err = q.AddUsageRollup(ctx, p)
		} else {
			err = q.AddUsageHourly(ctx, billingdb.AddUsageHourlyParams{
				Hour: p.Start, Bucket: p.Bucket, Unit: p.Unit, Consumer: p.Consumer, RouteID: p.RouteID, ServiceID: p.ServiceID,
				Model: p.Model, StatusClass: p.StatusClass, Billable: p.Billable, Quantity: p.Quantity, Records: p.Records,
				UsageMissing: p.UsageMissing, UsagePartial: p.UsagePartial, PromptTokens: p.PromptTokens,
				CompletionTokens: p.CompletionTokens, TotalTokens: p.TotalTokens, CachedTokens: p.CachedTokens,
				CacheWriteTokens: p.CacheWriteTokens, ReasoningTokens: p.ReasoningTokens, AudioTokens: p.AudioTokens,
			})
		}
		if err != nil {
			return err
		}
	}
	_, err := batch.Flush(ctx)
	return err
}

// rows are the rows of a bucket: one of counts and tokens, one for each other unit.
func (s *bucketSums) rows(key bucket, l Level) (all []billingdb.AddUsageRollupParams) {
	n := &s.names
	row := func(unit, quantity string, s *Sums) {
		all = append(all, billingdb.AddUsageRollupParams{
			Span: int32(l.Span / 60), Cut: l.cut(), Start: at(key.start), Bucket: key.names[:], Unit: unit, Consumer: n.consumer,
			RouteID: n.route, ServiceID: n.service, Model: n.model, StatusClass: n.status, Billable: n.billable, Quantity: quantity,
			Records: s.Records, UsageMissing: s.UsageMissing, UsagePartial: s.UsagePartial,
			PromptTokens: s.PromptTokens.String(), CompletionTokens: s.CompletionTokens.String(),
			TotalTokens: s.TotalTokens.String(), CachedTokens: s.CachedTokens.String(),
			CacheWriteTokens: s.CacheWriteTokens.String(), ReasoningTokens: s.ReasoningTokens.String(),
			AudioTokens: s.AudioTokens.String(),
		})
	}
	counts := s.sums
	counts.Quantities = nil
	if !counts.IsZero() {
		row(unitRequest, strconv.FormatInt(counts.Records, 10), &counts)
	}
	for unit, amount := range s.sums.Quantities {
		row(unit, amount.String(), &Sums{})
	}
	return all
}
