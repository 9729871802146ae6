package check

import (
	"context"
	"fmt"
	"strings"
)

// accounts: every entry that the broker confirmed came to an end at least once, and the consumers that lived to the end
// have lost count of none.
func accounts(ctx context.Context, run Run, report *Report) error {
	var refused int64
	err := run.DB.QueryRowContext(ctx, `SELECT CAST(COALESCE(SUM(deliveries), 0) AS SIGNED) FROM dead_letter`).Scan(&refused)
	if err != nil {
		return fmt.Errorf("count the deliveries of dead letters: %w", err)
	}
	sent := run.Book.Counts().Entries
	if ends := report.Records + report.Duplicates + refused; ends < sent {
		report.differ("%d entries were sent, but only %d came to an end: %d records, %d duplicates, %d rejected",
			sent, ends, report.Records, report.Duplicates, refused)
	}
	read, outcomes := 0.0, 0.0
	for name, value := range run.Metrics {
		switch {
		case name == "billing_entries_read_total":
			read = value
		case strings.HasPrefix(name, "billing_entries_total{"):
			outcomes += value
		case name == `billing_messages_total{event="stuck"}` && value > 0:
			report.differ("%.0f messages are stuck", value)
		}
	}
	if read != outcomes || read == 0 && len(run.Metrics) > 0 {
		report.differ("the consumers read %.0f entries, and account for %.0f", read, outcomes)
	}
	return nil
}
