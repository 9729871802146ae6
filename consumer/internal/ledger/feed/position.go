package feed

import (
	"context"
	"database/sql"
	"errors"

	"gateway-billing.internal/sql/billingdb"
)

// Position is a place in the feed. The zero position is the beginning. Sequence 0 are the records from before there were
// changes, in the order of their ids.
type Position struct {
	// Sequence is the change to go on at: everything of those before it was read.
	Sequence int64
	// ID is the row of that change up to which it was read, 0 for none.
	ID int64
	// Seen is the ledger in which the place was found, by which a ledger knows that the position is its own.
	Seen History
}

// History is how far a ledger had come; the zero value is none. It tells nothing of the records.
type History struct {
	// Last is the last number that a change had.
	Last int64
	// Random is of the ledger and of the transaction that gave that number. Whatever is put back to before it and numbers
	// anew, be it the same records in the same order, has another one.
	Random int64
}

// ErrElsewhere is a position that this ledger did not give: it was put back to a backup from before, or is another one. Who
// went on there would miss records, or wait for ever.
var ErrElsewhere = errors.New("the position is none of this ledger")

// check says whether a position is this ledger's, and how far the ledger has come. All that the ledger had when the position
// was found counts, not only what was read: a record that had moved on behind the position would lie before it again.
func check(ctx context.Context, q *billingdb.Queries, p Position) (now History, err error) {
	ledger, err := q.LastNumber(ctx)
	if err != nil {
		return now, err
	}
	if now, err = historyOf(ctx, q, &ledger, ledger.LastSequence); err != nil {
		return now, err
	}
	switch {
	case p.Sequence > now.Last+1, p.Sequence > now.Last && p.ID > 0, p.Seen.Last > now.Last:
		return now, ErrElsewhere
	case p.Seen == now, p.Seen == History{}: // nothing came since, or nothing was read before
		return now, nil
	}
	then, err := historyOf(ctx, q, &ledger, p.Seen.Last)
	if err == nil && then != p.Seen {
		err = ErrElsewhere
	}
	return now, err
}

// historyOf is the history of a ledger up to a number. One that was given by a program that knows of no histories has the
// ledger's own alone.
func historyOf(ctx context.Context, q *billingdb.Queries, ledger *billingdb.LastNumberRow, last int64) (History, error) {
	random, err := q.HistoryOfNumber(ctx, &last)
	if errors.Is(err, sql.ErrNoRows) { // before the first change
		random, err = 0, nil
	}
	return History{Last: last, Random: ledger.History ^ random}, err
}
