package ledger

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"
)

// session sets what a transaction would else have to set anew each time, which takes a round trip: READ COMMITTED, under which
// nobody locks rows that he does not touch. The variable of the isolation has another name on each server, so that the DSN
// can't carry it. Beside it, a connection of which nothing is heard is given up, with what its transaction has locked: the
// server would wait for hours for a machine that is gone.
type session struct {
	driver.Connector
	// limitsIdle: nothing here leaves a connection alone for long; a migration does, which holds a lock by one.
	limitsIdle     bool
	statementLimit time.Duration
}

// idleLimit is after how long the server gives up a connection of which nothing is heard. It is longer than the pool keeps one.
const idleLimit = 10 * time.Minute

func (s session) statements() []string {
	all := []string{"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"}
	if s.limitsIdle {
		set := fmt.Sprintf("SET SESSION wait_timeout = %d", int(idleLimit.Seconds()))
		if s.statementLimit > 0 { // each server skips the other's comment
			set += fmt.Sprintf(" /*M!100101 , max_statement_time = %f */ /*!80000 , max_execution_time = %d */",
				s.statementLimit.Seconds(), s.statementLimit.Milliseconds())
		}
		all = append(all, set)
	}
	return all
}

func (s session) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := s.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	executor, ok := conn.(driver.ExecerContext)
	if !ok {
		return nil, errors.Join(errors.New("the driver has no statements without transactions"), conn.Close())
	}
	for _, statement := range s.statements() {
		if _, err := executor.ExecContext(ctx, statement, nil); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	return conn, nil
}
