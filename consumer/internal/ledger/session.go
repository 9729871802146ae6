package ledger

import (
	"context"
	"database/sql/driver"
	"errors"
)

// session sets what a transaction would else have to set anew each time, which takes a round trip: READ COMMITTED, under which
// nobody locks rows that he does not touch. The variable of the isolation has another name on each server, so that the DSN
// can't carry it.
type session struct{ driver.Connector }

func (s session) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := s.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	executor, ok := conn.(driver.ExecerContext)
	if !ok {
		return nil, errors.Join(errors.New("the driver has no statements without transactions"), conn.Close())
	}
	if _, err := executor.ExecContext(ctx, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", nil); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}
