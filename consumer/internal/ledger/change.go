package ledger

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"gateway-billing.internal/sql/billingdb"
)

// change is the id of this transaction's change, which is made when the first record needs it. Each record that the
// transaction adds or changes carries it.
func (t *transaction) change(ctx context.Context) (int64, error) {
	if t.changeID == 0 {
		id, err := t.q.InsertChange(ctx)
		if err != nil {
			return 0, fmt.Errorf("%w: change: %w", errOutside, err)
		}
		t.changeID = id
	}
	return t.changeID, nil
}

// numberPage is how many changes one transaction numbers.
const numberPage = 500

// NumberChanges gives every committed change that has no number the next one, and says how many it numbered. Numbers have
// no gaps, and whoever read up to one never finds another change before it: a change that commits later gets a later
// number, whatever its id. Any number of processes may call it: one works, the others return at once; and nobody who
// writes records waits for it. One that dies leaves nothing half done.
func (s *Store) NumberChanges(ctx context.Context) (numbered int, err error) {
	for {
		var n int
		if err := again(ctx, func() (err error) { n, err = s.numberPage(ctx); return err }); err != nil {
			return numbered, fmt.Errorf("number changes: %w", withoutContent(err))
		}
		numbered += n
		if n < numberPage {
			return numbered, nil
		}
	}
}

func (s *Store) numberPage(ctx context.Context) (int, error) {
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	q := billingdb.New(tx)
	last, err := q.LockSequencer(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil // another one works
	}
	if err != nil {
		return 0, err
	}
	// Read behind the lock: what the one before numbered is committed.
	ids, err := q.ChangesToNumber(ctx, numberPage)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	list := make([]string, len(ids))
	for i, id := range ids {
		list[i] = strconv.FormatInt(id, 10)
	}
	var random [8]byte
	rand.Read(random[:]) // never fails
	n, err := q.NumberChanges(ctx, billingdb.NumberChangesParams{
		LastSequence: last, List: strings.Join(list, ","), History: int64(binary.BigEndian.Uint64(random[:])), Ids: ids,
	})
	if err != nil {
		return 0, err
	}
	if int(n) != len(ids) {
		return 0, fmt.Errorf("%d of %d changes were there to number", n, len(ids))
	}
	if err := q.MoveSequencer(ctx, last+n); err != nil {
		return 0, err
	}
	return len(ids), tx.Commit()
}
