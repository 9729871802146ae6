package check

import (
	"context"
	"fmt"
	"maps"

	"gateway-billing.internal/shared/testkit/chaos/taker"
)

// feed holds what one has who followed the ledger's changes all the time against the records. Those are what the truth says
// (see requests), so what was taken is.
func feed(ctx context.Context, run Run, report *Report) error {
	ledger, err := taker.Ledger(ctx, run.DB)
	if err != nil {
		return err
	}
	report.ComeAgain = run.Taker.Again
	all := maps.Clone(ledger)
	maps.Copy(all, run.Taker.Records)
	for key := range all {
		if taken, record := run.Taker.Records[key], ledger[key]; taken != record {
			report.differ("record %s: who followed the changes has %+v, the ledger %+v", key, taken, record)
		}
	}
	for _, key := range run.Taker.Backwards {
		report.differ("record %s came again without a higher revision", key)
	}
	var changes, numbers, highest int64
	if err := run.DB.QueryRowContext(ctx, `SELECT COUNT(*), COUNT(DISTINCT sequence), COALESCE(MAX(sequence), 0) FROM ledger_change`).
		Scan(&changes, &numbers, &highest); err != nil {
		return fmt.Errorf("read the changes: %w", err)
	}
	if changes != numbers || changes != highest {
		report.differ("%d changes have %d numbers, up to %d", changes, numbers, highest)
	}
	return nil
}
