package replay

import (
	"context"
	"errors"
	"io"

	"golang.org/x/time/rate"

	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/pipeline"
	"gateway-billing.internal/consumer/internal/record"
)

// What one look at the ledger takes together, roughly: entries, and bytes of bodies.
const (
	previewEntries = 500
	previewBytes   = 8 << 20
)

// Preview reads an input to its end and says what Do would make of each entry, without writing anything. each is told of
// every entry, progress after every look at the ledger; the context's error is ErrInterrupted.
func Preview(
	ctx context.Context, input Input, limit rate.Limit, deriver *pipeline.Deriver, store *ledger.Preview,
	each func(ledger.Foreseen) error, progress func(Totals),
) (sum Totals, err error) {
	pace := rate.NewLimiter(limit, 1)
	for {
		units, ended := gather(ctx, input, pace, deriver)
		err := sum.foresee(ctx, units, store, each)
		switch {
		case ctx.Err() != nil && (err != nil || !errors.Is(ended, io.EOF)):
			return sum, ErrInterrupted
		case err != nil:
			return sum, err
		case errors.Is(ended, io.EOF):
			return sum, nil
		case ended != nil:
			return sum, ended
		}
		progress(sum)
	}
}

// gather reads some messages. The error is what ended the input behind them: io.EOF, or a fault.
func gather(ctx context.Context, input Input, pace *rate.Limiter, d *pipeline.Deriver) (units []record.Unit, ended error) {
	entries, bytes := 0, 0
	for entries < previewEntries && bytes < previewBytes {
		if err := pace.Wait(ctx); err != nil {
			return units, err
		}
		item, err := input.Next(ctx)
		if err != nil {
			return units, err
		}
		unit := item.unit(d)
		units = append(units, unit)
		entries += len(unit.Records) + len(unit.Rejects)
		bytes += len(item.Body)
	}
	return units, nil
}

func (t *Totals) foresee(ctx context.Context, units []record.Unit, store *ledger.Preview, each func(ledger.Foreseen) error) error {
	all, err := store.Units(ctx, units)
	if err != nil {
		return err
	}
	t.Messages += int64(len(units))
	t.Entries += int64(len(all))
	for i := range all {
		switch all[i].Fate {
		case ledger.FateNew:
			t.Recorded++
		case ledger.FateDuplicate:
			t.Duplicate++
		case ledger.FateConflict:
			t.Conflict++
		case ledger.FateRejected:
			t.Rejected++
			t.rejected(all[i].Reject.Reason, 1)
		}
		if all[i].Raised {
			t.Raised++
		}
		if err := each(all[i]); err != nil {
			return err
		}
	}
	return nil
}
