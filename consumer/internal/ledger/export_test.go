package ledger

import (
	"database/sql"

	"gateway-billing.internal/consumer/internal/ledger/coalesce"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/sql/billingdb"
)

// Encoded is what a unit becomes on its way into the tables: for the test of the whole flow, which the pipeline's
// imports keep out of this package.
func Encoded(u *record.Unit, limits coalesce.Limits) (rows []billingdb.InsertRecordParams, rejects []*record.Reject) {
	for _, it := range itemsOf(u, &Outcome{}) {
		if it.reject != nil {
			rejects = append(rejects, it.reject)
			continue
		}
		it.candidate.reset()
		p := it.candidate.insertRow()
		fit(&p, limits)
		rows = append(rows, p)
	}
	return rows, rejects
}

// ExpectRepeats lets the writer's transactions look for rows before they insert, always or never.
func ExpectRepeats(w *Writer, always bool) {
	w.store.expectation.left.Store(map[bool]int64{true: 1 << 60, false: -1 << 60}[always])
}

// Database are the store's connections.
func Database(s *Store) *sql.DB { return s.db }
