package ledger

import (
	"context"

	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/sql/billingdb"
)

// RecordsOf gives the records of a request ID (16 bytes; conflicts make several, of which it gives a hundred at most) or of
// a billing key (22 bytes), none where there are none.
func (s *Store) RecordsOf(ctx context.Context, id []byte) ([]Exported, error) {
	q := billingdb.New(s.db)
	var rows []billingdb.RecordsOfRequestRow
	if len(id) == len(billingkey.Key{}) {
		found, err := q.RecordOfKey(ctx, id)
		if err != nil {
			return nil, wrap("record of a key", err)
		}
		for i := range found {
			rows = append(rows, billingdb.RecordsOfRequestRow(found[i]))
		}
	} else {
		var err error
		if rows, err = q.RecordsOfRequest(ctx, inHex(id)); err != nil {
			return nil, wrap("records of a request", err)
		}
	}
	all := make([]Exported, len(rows))
	for i := range rows {
		all[i] = exported((*billingdb.ExportRecordsRow)(&rows[i]))
	}
	return all, nil
}
