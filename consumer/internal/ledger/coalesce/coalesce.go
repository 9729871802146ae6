// Package coalesce owns the way of many rows in few statements: a Batch stands under the code that sqlc generates for
// a single-row INSERT or DELETE, keeps the rows, and sends them as one multi-row statement, as JDBC's rewriteBatchedStatements
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

// Batch is a billingdb.DBTX for one generated INSERT or DELETE: ExecContext keeps a row, Flush sends what is kept. Not for
// concurrent use.
type Batch struct {
	db     billingdb.DBTX
	limits Limits

	query     string
	statement *statement
	text      *[]byte // what is written of it so far, from a pool
	rows      int
	bytes     int
	affected  int64
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
	if b.statement == nil {
		parsed, err := parse(query)
		if err != nil {
			return nil, err
		}
		b.query, b.statement = query, parsed
	}
	if query != b.query {
		return nil, errors.New("coalesce: a batch holds the rows of one statement")
	}
	if len(args) != b.statement.columns {
		return nil, fmt.Errorf("coalesce: %d arguments for %d placeholders", len(args), b.statement.columns)
	}
	need := atMost(args)
	if need > b.limits.Row {
		if need = exactly(args); need > b.limits.Row {
			return nil, fmt.Errorf("%w: %d bytes, limit %d", ErrTooLarge, need, b.limits.Row)
		}
	}
	if b.rows == b.statement.maxRows || b.rows > 0 && b.bytes+need > b.limits.Statement {
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
		*b.text = append((*b.text)[:0], b.statement.head...)
	}
	text := *b.text
	if b.rows > 0 {
		text = append(text, b.statement.between...)
	}
	text = append(text, b.statement.open...)
	for i, arg := range args {
		if i > 0 {
			text = append(text, ',')
		}
		var err error
		if text, err = appendLiteral(text, arg); err != nil {
			return err
		}
	}
	*b.text = append(text, b.statement.end...)
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
	result, err := b.db.ExecContext(ctx, string(append(*b.text, b.statement.tail...)))
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

var errWriteOnly = errors.New("coalesce: only an INSERT or a DELETE can be batched")

// PrepareContext refuses: prepared statements would pass the batch by.
func (b *Batch) PrepareContext(context.Context, string) (*sql.Stmt, error) { return nil, errWriteOnly }

// QueryContext refuses: a batch only writes.
func (b *Batch) QueryContext(context.Context, string, ...any) (*sql.Rows, error) {
	return nil, errWriteOnly
}

// QueryRowContext must not be called; there is no row that could carry an error.
func (b *Batch) QueryRowContext(context.Context, string, ...any) *sql.Row { panic(errWriteOnly) }
