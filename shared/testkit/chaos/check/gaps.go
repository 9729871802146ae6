package check

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"gateway-billing.internal/shared/billingkey"
)

// stampRun is what `billing-consumer gaps` says of one run of a runner.
type stampRun struct {
	Runner   string
	Epoch    string
	Verified bool
	Missing  uint64
	Gaps     []struct{ First, Last uint64 }
	// OpenAfter is nil where a later run told this one's last number.
	OpenAfter *uint64 `json:"open_after"`
}

func (r *stampRun) lacks(n uint64) bool {
	for _, gap := range r.Gaps {
		if gap.First <= n && n <= gap.Last {
			return true
		}
	}
	return false
}

// gaps holds what `billing-consumer gaps` lists against the numbers that were given: none that reached the broker is
// missing, and each that was withheld is, unless no later number and no later run can tell of it. Further numbers may be
// missing where the gateway never took the runner's answer: at most as many as requests went without a stamp.
func gaps(_ context.Context, run Run, report *Report) error {
	runs, err := readRuns(run.Gaps)
	if err != nil {
		return err
	}
	missing, explained, unstamped := uint64(0), uint64(0), uint64(0)
	for _, r := range runs {
		missing += r.Missing
	}
	for _, request := range run.Book.Requests() {
		if request.Stamp == "" {
			unstamped++
			continue
		}
		stamp, state := run.Keys.Open(request.Stamp)
		if state != billingkey.Verified {
			return fmt.Errorf("the runner's own stamp of request %s is %s", request.RequestID, state)
		}
		r := runs[stamp.Runner+" "+stamp.Epoch.String()]
		lacks := r != nil && r.lacks(stamp.Sequence)
		if lacks {
			explained++
		}
		switch {
		case request.AnyState:
		case request.Withheld && lacks:
			report.Missing++
		case request.Withheld && r != nil && (r.OpenAfter == nil || *r.OpenAfter > stamp.Sequence):
			report.differ("%s\n  was withheld, but its number %d is no gap", line(request), stamp.Sequence)
		case !request.Withheld && (r == nil || lacks):
			report.differ("%s\n  was sent, but its number %d is a gap", line(request), stamp.Sequence)
		}
	}
	if missing-explained > unstamped {
		report.differ("%d numbers are missing that no request had, and only %d requests went without a stamp", missing-explained, unstamped)
	}
	return nil
}

// readRuns are the runs with sealed stamps by runner and epoch.
func readRuns(lines []byte) (map[string]*stampRun, error) {
	runs := map[string]*stampRun{}
	for decoder := json.NewDecoder(bytes.NewReader(lines)); ; {
		var r stampRun
		if err := decoder.Decode(&r); errors.Is(err, io.EOF) {
			return runs, nil
		} else if err != nil {
			return nil, fmt.Errorf("billing-consumer gaps: %w", err)
		}
		if r.Verified {
			runs[r.Runner+" "+r.Epoch] = &r
		}
	}
}
