package ledger

import (
	"context"
	"database/sql"
	"fmt"

	"gateway-billing.internal/consumer/internal/record"
)

// Preview says what would become of units if they were committed now, together: it writes them in a transaction as any,
// and rolls it back. The error is what keeps the database from working, or that it would refuse one of the entries.
func (s *Store) Preview(ctx context.Context, units []record.Unit) (Outcome, error) {
	for hurried := 0; ; hurried++ {
		sum, err := s.preview(ctx, units)
		if err == nil || hurried == maxHurried || classify(err) != faultContention {
			return sum, withoutContent(err)
		}
		if err := pause(ctx, minBackoff); err != nil {
			return Outcome{}, err
		}
	}
}

func (s *Store) preview(ctx context.Context, units []record.Unit) (sum Outcome, err error) {
	limits, err := s.limits(ctx)
	if err != nil {
		return sum, fmt.Errorf("max_allowed_packet: %w", err)
	}
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return sum, err
	}
	defer tx.Rollback()
	var items []*item
	for i := range units {
		items = append(items, itemsOf(&units[i], &sum)...)
	}
	if err := s.newTransaction(tx, limits, map[batchID]bool{}).write(ctx, items); err != nil {
		return Outcome{}, err
	}
	for _, it := range items {
		it.settle()
	}
	return sum, nil
}
