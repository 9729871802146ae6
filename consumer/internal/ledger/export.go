package ledger

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"time"

	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/sql/billingdb"
)

// exportPage is how many records are held in memory at once.
const exportPage = 1000

// Export gives all records whose requests began in [from, to), in pages, as they are at one moment: in the order of their
// keys, those of an older consumer last. after is the last that was given before, nil for none: it goes on behind that one.
func (s *Store) Export(ctx context.Context, from, to time.Time, after *Exported, give func([]Exported) error) error {
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return wrap("export", err)
	}
	defer tx.Rollback()
	q := billingdb.New(tx)
	if after == nil || after.KeySource != string(record.KeyFromMsgID) {
		if err := exportOwn(ctx, q, from, to, after, give); err != nil {
			return wrap("export", err)
		}
		after = nil
	}
	if found, err := q.HasAdopted(ctx, firstKey); err != nil || !found {
		return wrap("export", err)
	}
	return wrap("export", exportAdopted(ctx, q, from, to, after, give))
}

func exportOwn(ctx context.Context, q *billingdb.Queries, from, to time.Time, after *Exported, give func([]Exported) error) error {
	last := [16]byte(bytes.Repeat([]byte{0xff}, 16))
	// The key before all that begin in that millisecond; those of the first one of 1970 are an older consumer's.
	start, err := billingkey.NewKey(max(from.UnixMilli()-1, 0), last)
	if err != nil {
		return err
	}
	end, err := billingkey.NewKey(max(to.UnixMilli()-1, 0), last)
	if err != nil {
		return err
	}
	p := billingdb.ExportRecordsParams{AfterKey: start[:], LastKey: end[:], Limit: exportPage}
	if after != nil {
		if p.AfterKey, err = hex.DecodeString(after.BillingKey); err != nil || bytes.Compare(p.AfterKey, start[:]) < 0 || bytes.Compare(p.AfterKey, end[:]) > 0 {
			return fmt.Errorf("the record to go on behind, of %s, is none of that time", after.RequestTime.Format(time.RFC3339))
		}
	}
	for {
		rows, err := q.ExportRecords(ctx, p)
		if err != nil || len(rows) == 0 {
			return err
		}
		page := make([]Exported, len(rows))
		for i := range rows {
			page[i] = exported(&rows[i])
		}
		if err := give(page); err != nil {
			return err
		}
		p.AfterKey = rows[len(rows)-1].BillingKey
	}
}

func exportAdopted(ctx context.Context, q *billingdb.Queries, from, to time.Time, after *Exported, give func([]Exported) error) error {
	p := billingdb.ExportAdoptedParams{TimeFrom: from, TimeTo: to, AfterTime: from.Add(-time.Second), FirstKey: firstKey, Limit: exportPage}
	if after != nil {
		if after.CreateTime.Before(from) || !after.CreateTime.Before(to) {
			return fmt.Errorf("the record to go on behind, of %s, is none of that time", after.CreateTime.Format(time.RFC3339))
		}
		p.AfterTime, p.AfterID = after.CreateTime, after.ID
	}
	for {
		rows, err := q.ExportAdopted(ctx, p)
		if err != nil || len(rows) == 0 {
			return err
		}
		page := make([]Exported, len(rows))
		for i := range rows {
			page[i] = exported((*billingdb.ExportRecordsRow)(&rows[i]))
		}
		if err := give(page); err != nil {
			return err
		}
		last := &rows[len(rows)-1]
		p.AfterTime, p.AfterID = last.CreateTime, last.ID
	}
}

// Horizon is the time before which records are pruned, the zero time where none are.
func (s *Store) Horizon(ctx context.Context) (time.Time, error) {
	horizon, err := billingdb.New(s.db).Horizon(ctx)
	return horizon.Time, wrap("horizon", err)
}
