package check

import (
	"context"
	"fmt"

	"gateway-billing.internal/shared/testkit/chaos/truth"
)

// deadLetters holds the dead letters against the poison that was sent: one each, with its reason, and no other.
func deadLetters(ctx context.Context, run Run, report *Report) error {
	rows, err := run.DB.QueryContext(ctx, `SELECT body_sha256, entry_index, reason, detail FROM dead_letter ORDER BY id`)
	if err != nil {
		return fmt.Errorf("read the dead letters: %w", err)
	}
	defer rows.Close()
	sent, found := run.Book.Poisons(), map[truth.PoisonID]int{}
	for rows.Next() {
		var body []byte
		var id truth.PoisonID
		var reason, detail string
		if err := rows.Scan(&body, &id.Entry, &reason, &detail); err != nil {
			return fmt.Errorf("read the dead letters: %w", err)
		}
		copy(id.Body[:], body)
		report.DeadLetters++
		found[id]++
		switch want, ok := sent[id]; {
		case !ok:
			report.differ("dead letter of what was no poison: body %x, entry %d, %s (%s)", id.Body, id.Entry, reason, detail)
		case want != reason:
			report.differ("dead letter of body %x, entry %d: want %s, got %s (%s)", id.Body, id.Entry, want, reason, detail)
		}
	}
	for id, reason := range sent {
		if found[id] != 1 {
			report.differ("poison of body %x, entry %d (%s): %d dead letters, want 1", id.Body, id.Entry, reason, found[id])
		}
	}
	return rows.Err()
}
