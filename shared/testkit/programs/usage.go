package programs

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// Usage is what `billing-consumer usage` says of a ledger.
type Usage struct {
	// Report is the sums of all time by APISIX consumer, route and billable, in the days of Kolkata, a JSON object a line.
	Report []byte
	// Export is all records, a JSON object a line.
	Export []byte
	// Wrong is what verify finds: sums that are not those of their records.
	Wrong string
}

// AskUsage asks for all of it.
func AskUsage(ctx context.Context, binary, config string) (u Usage, err error) {
	ask := func(args ...string) ([]byte, error) {
		cmd := exec.CommandContext(ctx, binary, append([]string{"usage"}, append(args, "--config", config)...)...)
		var problem strings.Builder
		cmd.Stderr = &problem
		out, err := cmd.Output()
		if err != nil {
			return out, fmt.Errorf("billing-consumer usage %s: %w\n%s", args[0], err, problem.String())
		}
		return out, nil
	}
	out, wrong := ask("verify")
	if wrong != nil {
		u.Wrong = wrong.Error() + string(out)
	}
	allTime := []string{"--from", "2000-01-01T00:00:00Z", "--to", "2090-01-01T00:00:00Z", "--output", "ndjson"}
	u.Report, err = ask(append([]string{"report", "--zone", "Asia/Kolkata", "--by", "day,consumer,route,billable"}, allTime...)...)
	if err != nil {
		return u, err
	}
	u.Export, err = ask(append([]string{"export"}, allTime...)...)
	return u, err
}
