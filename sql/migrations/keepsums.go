package migrations

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"gateway-billing.internal/sql/billingdb"
)

// retentionVersion is the one whose sums version 8 makes anew.
const retentionVersion = 7

var errPrunedSums = errors.New("the ledger was pruned, and version 8 makes the sums of usage anew from its records: those of " +
	"records that are gone would be lost. Set them aside first (RENAME TABLE usage_hourly TO usage_hourly_7, usage_delta TO usage_delta_7), and bill " +
	"the time before the horizon from there")

// keepSums refuses to lose sums that nothing can compute again.
func keepSums(ctx context.Context, db *sql.DB, q *billingdb.Queries) error {
	has, err := q.SchemaVersion(ctx)
	if err != nil {
		return fmt.Errorf("schema version: %w", err)
	}
	if has != retentionVersion {
		return nil
	}
	horizon, err := q.Horizon(ctx)
	if err != nil {
		return fmt.Errorf("horizon: %w", err)
	}
	sums, err := columnsOf(ctx, db, "usage_hourly")
	if err != nil {
		return err
	}
	if horizon.Valid && len(sums) > 0 {
		return errPrunedSums
	}
	return nil
}
