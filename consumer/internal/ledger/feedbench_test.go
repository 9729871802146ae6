package ledger_test

import (
	"sync"
	"testing"

	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/ledger/feed"
	"gateway-billing.internal/consumer/internal/record"
)

// BenchmarkFeed follows a ledger from its beginning, as transactions of 500 records left it. An operation is one record.
func BenchmarkFeed(b *testing.B) {
	dsn := migrated(b)
	store, err := ledger.Open(ledger.Options{DSN: dsn})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	w := ledgerOf(b, dsn, func(o *ledger.Options) { o.Writers = 4 })
	const callers, rows = 8, 250
	var wg sync.WaitGroup
	for first := range callers {
		wg.Go(func() {
			for at := first * rows; at < b.N; at += callers * rows {
				part := make([]record.Record, min(rows, b.N-at))
				for i := range part {
					part[i] = request(someID())
				}
				commit(b, w, unit(part...))
			}
		})
	}
	wg.Wait()
	if _, err := store.NumberChanges(b.Context()); err != nil {
		b.Fatal(err)
	}
	reader, at, read := store.Feed(), feed.Position{}, 0
	b.ResetTimer()
	for more := true; more; {
		if at, more, err = reader.Read(b.Context(), at, 1000, func(*feed.Record, feed.Position) bool { read++; return true }); err != nil {
			b.Fatal(err)
		}
	}
	if read != b.N {
		b.Fatalf("read %d of %d", read, b.N)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
