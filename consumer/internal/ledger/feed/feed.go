package feed

import (
	"context"
	"database/sql"
	"fmt"

	"gateway-billing.internal/sql/billingdb"
)

// Reader reads the feed. It is safe for concurrent use.
type Reader struct{ db *sql.DB }

// New makes a reader of a database.
func New(db *sql.DB) *Reader { return &Reader{db} }

// maxChanges is how many changes are looked up at once. MariaDB makes a table of a list of a thousand, and then sorts all
// records of all of them for each page.
const maxChanges = 500

// Page is some records, in the order of the feed.
type Page struct {
	// Next is where to go on.
	Next Position
	// More: something may lie there already. A page may have fewer records than asked for, and none, with more behind it.
	More bool

	rows []billingdb.RecordsOfChangesRow
	// sequences are the numbers of the changes that the rows may be of.
	sequences map[int64]int64
}

// Len is how many records there are.
func (p *Page) Len() int { return len(p.rows) }

// Record is one of the records.
func (p *Page) Record(i int) Record { return recordOf(&p.rows[i]) }

// Behind is where to go on behind one of the records.
func (p *Page) Behind(i int) Position {
	row := &p.rows[i]
	return Position{Sequence: p.sequences[row.ChangeID], ID: row.ID, Seen: p.Next.Seen}
}

// Read reads up to limit records behind a position, and looks at a bounded number of changes for it. A record that is
// changed meanwhile comes as it was or not at all, and then again as it is; what is pruned is left out. The error is
// ErrElsewhere for a position that this ledger did not give, else the database's.
func (r *Reader) Read(ctx context.Context, from Position, limit int) (*Page, error) {
	// All of it is read as of one moment: which changes are numbered, and what is of them.
	tx, err := r.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("feed: %w", err)
	}
	defer tx.Rollback()
	q := billingdb.New(tx)
	now, err := check(ctx, q, from)
	if err != nil {
		return nil, fmt.Errorf("feed: %w", err)
	}
	p := &Page{Next: from}
	p.Next.Seen = now
	if err := p.read(ctx, q, from, limit); err != nil {
		return nil, fmt.Errorf("feed: %w", err)
	}
	return p, nil
}

func (p *Page) read(ctx context.Context, q *billingdb.Queries, from Position, limit int) (err error) {
	if from.Sequence <= 0 {
		p.rows, err = rest(ctx, q, 0, from.ID, limit)
		p.goOn(Position{Sequence: 1}, limit, true)
		return err
	}
	changes, err := q.NumberedChanges(ctx, billingdb.NumberedChangesParams{FromSequence: &from.Sequence, Limit: maxChanges})
	if err != nil || len(changes) == 0 {
		return err
	}
	// What was begun is read to its end first. Else as many as come in the order of their ids, which is that of the index:
	// rows can then be cut off anywhere. Only late commits break that order.
	n := 1
	begun := *changes[0].Sequence == from.Sequence && from.ID > 0
	for !begun && n < len(changes) && changes[n].ID > changes[n-1].ID {
		n++
	}
	ids := make([]int64, n)
	p.sequences = make(map[int64]int64, n)
	for i, c := range changes[:n] {
		ids[i], p.sequences[c.ID] = c.ID, *c.Sequence
	}
	if begun {
		p.rows, err = rest(ctx, q, ids[0], from.ID, limit)
	} else {
		p.rows, err = q.RecordsOfChanges(ctx, billingdb.RecordsOfChangesParams{ChangeIds: ids, Limit: int32(limit)})
	}
	p.goOn(Position{Sequence: *changes[n-1].Sequence + 1}, limit, n < len(changes) || n == maxChanges)
	return err
}

// goOn says where to go on: behind the last row where there may be more of these changes, else at behind, where more says
// whether something may lie.
func (p *Page) goOn(behind Position, limit int, more bool) {
	behind.Seen = p.Next.Seen
	if n := len(p.rows); n > 0 && n >= limit {
		behind, more = p.Behind(n-1), true
	}
	p.Next, p.More = behind, more
}

// rest reads the rows of one change behind an id.
func rest(ctx context.Context, q *billingdb.Queries, change, after int64, limit int) ([]billingdb.RecordsOfChangesRow, error) {
	found, err := q.RecordsOfChange(ctx, billingdb.RecordsOfChangeParams{ChangeID: change, After: after, Limit: int32(limit)})
	rows := make([]billingdb.RecordsOfChangesRow, len(found))
	for i := range found {
		rows[i] = billingdb.RecordsOfChangesRow(found[i])
	}
	return rows, err
}
