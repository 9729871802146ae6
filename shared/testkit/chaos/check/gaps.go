package check

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"

	"gateway-billing.internal/shared/billingkey"
)

// number is one stamp of a runner.
type number struct {
	runner, epoch string
	sequence      uint64
}

// gaps holds the numbers that arrived against the numbers that were given: each that reached the broker is there, each
// that was withheld is missing. It reads the ranges themselves.
func gaps(ctx context.Context, run Run, report *Report) error {
	seen, err := arrived(ctx, run.DB)
	if err != nil {
		return err
	}
	for _, request := range run.Book.Requests() {
		if request.Stamp == "" || request.AnyState {
			continue
		}
		stamp, state := run.Keys.Open(request.Stamp)
		if state != billingkey.Verified {
			return fmt.Errorf("the runner's own stamp of request %s is %s", request.RequestID, state)
		}
		n := number{stamp.Runner, stamp.Epoch.String(), stamp.Sequence}
		switch {
		case request.Withheld && seen[n]:
			report.differ("%s\n  was withheld, but its number %d arrived", line(request), n.sequence)
		case request.Withheld:
			report.Missing++
		case !seen[n]:
			report.differ("%s\n  was sent, but its number %d is a gap", line(request), n.sequence)
		}
	}
	return nil
}

func arrived(ctx context.Context, db *sql.DB) (map[number]bool, error) {
	rows, err := db.QueryContext(ctx, `SELECT runner, epoch, first_sequence, last_sequence FROM stamp_seen WHERE verified = 1`)
	if err != nil {
		return nil, fmt.Errorf("read the stamp numbers: %w", err)
	}
	defer rows.Close()
	seen := map[number]bool{}
	for rows.Next() {
		var runner string
		var epoch []byte
		var first, last uint64
		if err := rows.Scan(&runner, &epoch, &first, &last); err != nil {
			return nil, fmt.Errorf("read the stamp numbers: %w", err)
		}
		for n := first; n <= last; n++ {
			seen[number{runner, hex.EncodeToString(epoch), n}] = true
		}
	}
	return seen, rows.Err()
}
