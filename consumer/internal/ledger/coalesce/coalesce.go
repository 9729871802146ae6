// Package coalesce owns the way of many rows in few statements: a Batch stands under the code that sqlc generates for
// a single-row INSERT, keeps the rows, and sends them as one multi-row statement, as JDBC's rewriteBatchedStatements
// does. It is the one place that changes the text of a statement, and refuses any that is not of the exact form it
// understands.
package coalesce

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"

	"gateway-billing.internal/sql/billingdb"
)

// maxRows is the most rows of one statement: beyond some hundred, more bring no speed.
const maxRows = 1000

// ErrTooLarge is a row that no statement can carry. It is found before anything is sent: a statement over the server's
// limit comes back as a broken connection, which would look like an outage.
var ErrTooLarge = errors.New("row does not fit a statement")

// Limits bound one statement, in bytes after escaping.
type Limits struct {
	// Statement is where a statement is full.
	Statement int
	// Row is the most a single row may need: the server's max_allowed_packet, less the statement's own text.
	Row int
}

// Batch is a billingdb.DBTX for one generated INSERT: ExecContext keeps a row, Flush sends what is kept. Not for
// concurrent use.
type Batch struct {
	db     billingdb.DBTX
	limits Limits

	query    string
	insert   *insert
	text     *[]byte // the statement so far, from a pool
	rows     int
	bytes    int
	affected int64
}

// texts are buffers of statements, kept from one batch to the next.
var texts = sync.Pool{New: func() any { return new([]byte) }}

// keepText is the largest buffer that is kept: a statement of one huge row is rare.
const keepText = 4 << 20

var _ billingdb.DBTX = (*Batch)(nil)

// New makes an empty batch that sends to db.
func New(db billingdb.DBTX, limits Limits) *Batch {
	return &Batch{db: db, limits: limits}
}

// ExecContext keeps one row, after sending the rows before it if the statement is full with them. The result is nil:
// what a row did is not known before Flush, and then only as a sum.
func (b *Batch) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if b.insert == nil {
		parsed, err := parse(query)
		if err != nil {
			return nil, err
		}
		b.query, b.insert = query, parsed
	}
	if query != b.query {
		return nil, errors.New("coalesce: a batch holds the rows of one statement")
	}
	if len(args) != b.insert.columns {
		return nil, fmt.Errorf("coalesce: %d arguments for %d placeholders", len(args), b.insert.columns)
	}
	need := atMost(args)
	if need > b.limits.Row {
		if need = exactly(args); need > b.limits.Row {
			return nil, fmt.Errorf("%w: %d bytes, limit %d", ErrTooLarge, need, b.limits.Row)
		}
	}
	if b.rows == maxRows || b.rows > 0 && b.bytes+need > b.limits.Statement {
		if err := b.send(ctx); err != nil {
			return nil, err
		}
	}
	if err := b.add(args); err != nil {
		return nil, err
	}
	b.rows++
	b.bytes += need
	return nil, nil
}

// add writes one row behind the statement so far.
func (b *Batch) add(args []any) error {
	if b.text == nil {
		b.text = texts.Get().(*[]byte)
		*b.text = append((*b.text)[:0], b.insert.head...)
	}
	text, separator := *b.text, byte('(')
	if b.rows > 0 {
		text = append(text, ',')
	}
	for _, arg := range args {
		var err error
		if text, err = appendLiteral(append(text, separator), arg); err != nil {
			return err
		}
		separator = ','
	}
	*b.text = append(text, ')')
	return nil
}

// Flush sends the rest and returns the number of rows affected since the batch was made, over all its statements.
func (b *Batch) Flush(ctx context.Context) (affected int64, err error) {
	err = b.send(ctx)
	return b.affected, err
}

func (b *Batch) send(ctx context.Context) error {
	if b.rows == 0 {
		return nil
	}
	result, err := b.db.ExecContext(ctx, string(append(*b.text, b.insert.tail...)))
	if cap(*b.text) <= keepText {
		texts.Put(b.text)
	}
	b.text = nil
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err != nil {
		return err
	}
	b.affected += n
	b.rows, b.bytes = 0, 0
	return nil
}

var errInsertOnly = errors.New("coalesce: only an INSERT can be batched")

// PrepareContext refuses: prepared statements would pass the batch by.
func (b *Batch) PrepareContext(context.Context, string) (*sql.Stmt, error) { return nil, errInsertOnly }

// QueryContext refuses: a batch only writes.
func (b *Batch) QueryContext(context.Context, string, ...any) (*sql.Rows, error) {
	return nil, errInsertOnly
}

// QueryRowContext must not be called; there is no row that could carry an error.
func (b *Batch) QueryRowContext(context.Context, string, ...any) *sql.Row { panic(errInsertOnly) }
