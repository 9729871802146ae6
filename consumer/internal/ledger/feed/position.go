package feed

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"time"

	"gateway-billing.internal/sql/billingdb"
)

// Position is a place in the feed. The zero position is the beginning. Sequence 0 are the records from before there were
// changes, in the order of their ids.
type Position struct {
	// Sequence is the change to go on at: everything of those before it was read.
	Sequence int64
	// ID is the row of that change up to which it was read, 0 for none.
	ID int64
	// Last is the record that was read last, by which a ledger knows that the position is its own.
	Last Witness
}

// Witness is what a position keeps of a record; the zero value is no record.
type Witness struct {
	ID int64
	// Time begins the record's key: when the request began in Unix ms, 0 for one of an older consumer.
	Time int64
	// Sum is of the whole key, and tells nothing of it.
	Sum uint32
	// Revision is the one that was read. A ledger that has a lower one was put back.
	Revision int32
}

func witnessOf(id int64, key []byte, revision int32) Witness {
	sum := sha256.Sum256(key)
	return Witness{
		ID: id, Time: int64(binary.BigEndian.Uint64(append([]byte{0, 0}, key[:6]...))), Sum: binary.BigEndian.Uint32(sum[:]), Revision: revision,
	}
}

// ErrElsewhere is a position that this ledger did not give: it was put back to a backup from before, or is another one. Who
// went on there would miss records, or wait for ever.
var ErrElsewhere = errors.New("the position is none of this ledger")

// check says whether a position can be this ledger's. A record keeps its id and key; only one that is pruned is gone.
func check(ctx context.Context, q *billingdb.Queries, p Position) error {
	last, err := q.LastNumber(ctx)
	switch {
	case err != nil:
		return err
	case p.Sequence > last+1, p.Sequence > last && p.ID > 0:
		return ErrElsewhere
	case p.Last == Witness{}:
		return nil // nothing was read before
	}
	now, err := q.KeyOfRecord(ctx, p.Last.ID)
	if errors.Is(err, sql.ErrNoRows) {
		horizon, err := q.Horizon(ctx)
		if err == nil && !(horizon.Valid && time.UnixMilli(p.Last.Time).Before(horizon.Time)) {
			err = ErrElsewhere
		}
		return err
	}
	if err == nil && (now.Revision < p.Last.Revision || witnessOf(p.Last.ID, now.BillingKey, p.Last.Revision) != p.Last) {
		err = ErrElsewhere
	}
	return err
}
