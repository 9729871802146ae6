package feed

import (
	"context"
	"fmt"

	"gateway-billing.internal/sql/billingdb"
)

// Position is a place in the feed: everything of the changes before Sequence was read, and of that one the rows up to ID.
// The zero position is the beginning. Sequence 0 are the records from before there were changes, in the order of their
// ids.
type Position struct {
	Sequence int64
	ID       int64
}

// Reader reads the feed. It is safe for concurrent use.
type Reader struct{ q *billingdb.Queries }

// New makes a reader of a database.
func New(db billingdb.DBTX) *Reader { return &Reader{billingdb.New(db)} }

// maxChanges is how many changes are looked up at once.
const maxChanges = 1000

// Read calls each for up to limit records behind from, in the order of the feed, with the position behind each; false ends
// it there. It returns the position to go on from, and whether something may lie behind it already. A record that is
// changed meanwhile comes as it was or not at all, and then again as it is; what is pruned is left out.
func (r *Reader) Read(
	ctx context.Context, from Position, limit int, each func(*Record, Position) bool,
) (next Position, more bool, err error) {
	next = from
	for left := limit; left > 0; {
		part, err := r.page(ctx, next, left)
		if err != nil {
			return next, false, fmt.Errorf("feed: %w", err)
		}
		for i := range part.rows {
			row := &part.rows[i]
			next = Position{part.sequences[row.ChangeID], row.ID}
			if rec := recordOf(row); !each(&rec, next) {
				return next, true, nil
			}
		}
		if left -= len(part.rows); left > 0 {
			next = part.behind
		}
		if part.end {
			return next, left <= 0, nil
		}
	}
	return next, true, nil
}

// page is rows of neighbouring changes.
type page struct {
	rows []billingdb.RecordsOfChangesRow
	// sequences are the numbers of the changes that the rows may be of.
	sequences map[int64]int64
	// behind is where to go on when there were fewer rows than asked for; end: nothing lies there yet.
	behind Position
	end    bool
}

func (r *Reader) page(ctx context.Context, from Position, limit int) (page, error) {
	if from.Sequence <= 0 {
		rows, err := r.rest(ctx, 0, from.ID, limit)
		return page{rows: rows, sequences: map[int64]int64{}, behind: Position{Sequence: 1}}, err
	}
	changes, err := r.q.NumberedChanges(ctx, billingdb.NumberedChangesParams{FromSequence: &from.Sequence, Limit: maxChanges})
	if err != nil || len(changes) == 0 {
		return page{behind: from, end: true}, err
	}
	// What was begun is read to its end first. Else as many as come in the order of their ids, which is that of the index:
	// rows can then be cut off anywhere. Only late commits break that order.
	n := 1
	begun := *changes[0].Sequence == from.Sequence && from.ID > 0
	for !begun && n < len(changes) && changes[n].ID > changes[n-1].ID {
		n++
	}
	p := page{
		sequences: make(map[int64]int64, n), behind: Position{Sequence: *changes[n-1].Sequence + 1},
		end: n == len(changes) && n < maxChanges,
	}
	ids := make([]int64, n)
	for i, c := range changes[:n] {
		ids[i], p.sequences[c.ID] = c.ID, *c.Sequence
	}
	if begun {
		p.rows, err = r.rest(ctx, ids[0], from.ID, limit)
	} else {
		p.rows, err = r.q.RecordsOfChanges(ctx, billingdb.RecordsOfChangesParams{ChangeIds: ids, Limit: int32(limit)})
	}
	return p, err
}

// rest reads the rows of one change behind an id.
func (r *Reader) rest(ctx context.Context, change, after int64, limit int) ([]billingdb.RecordsOfChangesRow, error) {
	found, err := r.q.RecordsOfChange(ctx, billingdb.RecordsOfChangeParams{ChangeID: change, After: after, Limit: int32(limit)})
	rows := make([]billingdb.RecordsOfChangesRow, len(found))
	for i := range found {
		rows[i] = billingdb.RecordsOfChangesRow(found[i])
	}
	return rows, err
}
