package check

import (
	"context"
	"fmt"
	"maps"

	"gateway-billing.internal/shared/testkit/chaos/taker"
)

// feed holds what those have who followed the ledger's changes all the time against the records, by SQL and by HTTP. Those
// are what the truth says (see requests), so what was taken is.
func feed(ctx context.Context, run Run, report *Report) error {
	ledger, err := taker.Ledger(ctx, run.DB)
	if err != nil {
		return err
	}
	report.ComeAgain = run.Taker.Again
	report.ByHTTP, report.Answers, report.Broken = len(run.Client.Records), run.Client.Answers, run.Client.Broken
	for who, kept := range map[string]taker.Kept{"the changes": run.Taker.Kept, "/v1/records": run.Client.Kept} {
		all := maps.Clone(ledger)
		maps.Copy(all, kept.Records)
		for key := range all {
			if taken, record := kept.Records[key], ledger[key]; taken != record {
				report.differ("record %s: who followed %s has %+v, the ledger %+v", key, who, taken, record)
			}
		}
		for _, key := range kept.Backwards {
			report.differ("record %s came again without a higher revision to who followed %s", key, who)
		}
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
