package ledger_test

import (
	"strings"
	"sync"
	"testing"

	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/record"
)

// BenchmarkWriter commits one-entry messages of 2.2 KB by 256 callers: an operation is one record.
func BenchmarkWriter(b *testing.B) {
	dsn := migrated(b)
	w := ledgerOf(b, dsn, func(o *ledger.Options) { o.Writers = 4 })
	body := strings.Repeat(`{"field":"value"}`, 130)
	for _, kind := range []string{"new", "duplicate"} {
		b.Run(kind, func(b *testing.B) {
			records := make([]record.Record, b.N)
			for i := range records {
				records[i] = request(someID(), func(r *record.Record) { r.Body = body })
			}
			write := func() {
				var wg sync.WaitGroup
				for first := range 256 {
					wg.Go(func() {
						for i := first; i < len(records); i += 256 {
							commit(b, w, unit(records[i]))
						}
					})
				}
				wg.Wait()
			}
			if kind == "duplicate" {
				write()
			}
			b.ResetTimer()
			write()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}
