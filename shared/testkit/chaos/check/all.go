package check

import "context"

// All makes every check. The error is one of reading.
func All(ctx context.Context, run Run) (*Report, error) {
	report := &Report{}
	for _, check := range []func(context.Context, Run, *Report) error{
		requests, deltas, usage, answer, feed, deadLetters, gaps, accounts,
	} {
		if err := check(ctx, run, report); err != nil {
			return nil, err
		}
	}
	return report, nil
}
