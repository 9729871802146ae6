package ledger_test

import (
	"testing"

	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/ledger/feed"
)

// BenchmarkFeed follows a ledger from its beginning, with 500 records in each change. An operation is one record; there are at most a million.
func BenchmarkFeed(b *testing.B) {
	dsn := migrated(b)
	store, err := ledger.Open(ledger.Options{DSN: dsn})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	db := connect(b, dsn)
	commit(b, ledgerOf(b, dsn), unit(request(someID())))
	columns := value[string](b, db, `SELECT GROUP_CONCAT(column_name) FROM information_schema.columns
		WHERE table_schema = DATABASE() AND table_name = 'mq_consume_log' AND column_name NOT IN ('id', 'billing_key', 'change_id')`)
	const numbers = "WITH RECURSIVE n AS (SELECT 0 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 999) "
	exec(b, db, "INSERT INTO mq_consume_log (billing_key, change_id, "+columns+") "+numbers+`
		SELECT UNHEX(CONCAT('019CB73D3592', MD5(a.i * 1000 + b.i))), 2 + a.i * 2 + b.i DIV 500, `+columns+`
		FROM n AS a CROSS JOIN n AS b CROSS JOIN mq_consume_log ORDER BY a.i, b.i LIMIT ?`, b.N-1)
	exec(b, db, "INSERT INTO ledger_change (id) "+numbers+`
		SELECT 2 + a.i * 1000 + b.i FROM n AS a CROSS JOIN n AS b ORDER BY 1 LIMIT ?`, (b.N+498)/500)
	if _, err := store.NumberChanges(b.Context()); err != nil {
		b.Fatal(err)
	}
	reader, at, read := store.Feed(), feed.Position{}, 0
	b.ResetTimer()
	for more := true; more; {
		page, err := reader.Read(b.Context(), at, 2000)
		if err != nil {
			b.Fatal(err)
		}
		read += page.Len()
		at, more = page.Next, page.More
	}
	if read != b.N {
		b.Fatalf("read %d of %d", read, b.N)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
