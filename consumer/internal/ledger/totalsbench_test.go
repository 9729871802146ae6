package ledger_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/ledger/totals"
	"gateway-billing.internal/consumer/internal/record"
)

// BenchmarkFoldUsage folds deltas of a hundred APISIX consumers, five models and three routes, one a record, as small
// transactions append them. An operation is one record.
func BenchmarkFoldUsage(b *testing.B) {
	dsn := migrated(b)
	db := connect(b, dsn)
	store, err := ledger.Open(ledger.Options{DSN: dsn})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	exec(b, db, `INSERT INTO usage_delta (quarter, consumer, route_id, service_id, model, status_class, billable, unit, quantity,
		records, prompt_tokens, completion_tokens, total_tokens)
		WITH RECURSIVE n AS (SELECT 0 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 999)
		SELECT '2026-10-07 08:15:00', CONCAT('consumer-', hash % 100), CONCAT('route-', hash DIV 100 % 3), 'service', CONCAT('model-', hash DIV 300 % 5),
		  '2xx', 1, 'request', 1, 1, 100, 20, 120
		FROM (SELECT CRC32(a.i * 1000 + b.i) AS hash FROM n AS a CROSS JOIN n AS b LIMIT ?) AS records`, b.N)
	b.ResetTimer()
	if n, err := store.FoldUsage(b.Context()); err != nil || n != b.N {
		b.Fatalf("folded %d of %d: %v", n, b.N, err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkUsageQuery asks for a month over the sums of 10 million records: a hundred APISIX consumers, five models and three
// routes, all of them in every quarter of an hour.
func BenchmarkUsageQuery(b *testing.B) {
	dsn := migrated(b)
	db := connect(b, dsn)
	exec(b, db, `INSERT INTO usage_rollup
		WITH RECURSIVE few AS (SELECT 0 AS i UNION ALL SELECT i + 1 FROM few WHERE i < 99)
		SELECT 15, 'all', TIMESTAMPADD(MINUTE, 1440 * d.i + 15 * q.i, '2026-09-30'), UNHEX(SHA2(CONCAT(c.i, '-', r.i, '-', m.i), 256)), 'request',
		  CONCAT('consumer-', c.i), CONCAT('route-', r.i), 'service', CONCAT('model-', m.i), '2xx', 1, 2, 2, 0, 0, 2468, 482, 2950, 100, 0, 40, 0
		FROM few AS d CROSS JOIN few AS q CROSS JOIN few AS c CROSS JOIN few AS r CROSS JOIN few AS m
		WHERE d.i < 33 AND q.i < 96 AND r.i < 3 AND m.i < 5 ORDER BY 3, 4`)
	for _, level := range []string{
		`INSERT INTO usage_hourly SELECT TIMESTAMPADD(MINUTE, -MINUTE(start), start) AS begun, bucket, unit, MIN(consumer), MIN(route_id), MIN(service_id), MIN(model),
		  MIN(status_class), MIN(billable), SUM(quantity), SUM(records), SUM(usage_missing), SUM(usage_partial), SUM(prompt_tokens), SUM(completion_tokens), SUM(total_tokens), SUM(cached_tokens), SUM(cache_write_tokens), SUM(reasoning_tokens), SUM(audio_tokens) FROM usage_rollup WHERE span = 15 AND cut = 'all' GROUP BY begun, bucket, unit ORDER BY begun, bucket`,
		`INSERT INTO usage_rollup SELECT 1440, 'all', CAST(DATE(hour) AS DATETIME) AS begun, bucket, unit, MIN(consumer), MIN(route_id), MIN(service_id), MIN(model),
		  MIN(status_class), MIN(billable), SUM(quantity), SUM(records), SUM(usage_missing), SUM(usage_partial), SUM(prompt_tokens), SUM(completion_tokens), SUM(total_tokens), SUM(cached_tokens), SUM(cache_write_tokens), SUM(reasoning_tokens), SUM(audio_tokens) FROM usage_hourly GROUP BY begun, bucket, unit ORDER BY begun, bucket`,
		`INSERT INTO usage_rollup SELECT 15, 'consumer', start, UNHEX(SHA2(consumer, 256)) AS name_hash, unit, MIN(consumer), NULL, NULL, NULL,
		  NULL, MIN(billable), SUM(quantity), SUM(records), SUM(usage_missing), SUM(usage_partial), SUM(prompt_tokens), SUM(completion_tokens), SUM(total_tokens), SUM(cached_tokens), SUM(cache_write_tokens), SUM(reasoning_tokens), SUM(audio_tokens) FROM usage_rollup WHERE span = 15 AND cut = 'all' GROUP BY start, name_hash, unit ORDER BY start, name_hash`,
		`INSERT INTO usage_rollup SELECT 60, 'consumer', hour, UNHEX(SHA2(consumer, 256)) AS name_hash, unit, MIN(consumer), NULL, NULL, NULL,
		  NULL, MIN(billable), SUM(quantity), SUM(records), SUM(usage_missing), SUM(usage_partial), SUM(prompt_tokens), SUM(completion_tokens), SUM(total_tokens), SUM(cached_tokens), SUM(cache_write_tokens), SUM(reasoning_tokens), SUM(audio_tokens) FROM usage_hourly GROUP BY hour, name_hash, unit ORDER BY hour, name_hash`,
		`INSERT INTO usage_rollup SELECT 1440, 'consumer', CAST(DATE(start) AS DATETIME) AS begun, bucket, unit, MIN(consumer), NULL, NULL, NULL,
		  NULL, MIN(billable), SUM(quantity), SUM(records), SUM(usage_missing), SUM(usage_partial), SUM(prompt_tokens), SUM(completion_tokens), SUM(total_tokens), SUM(cached_tokens), SUM(cache_write_tokens), SUM(reasoning_tokens), SUM(audio_tokens) FROM usage_rollup WHERE span = 60 AND cut = 'consumer' GROUP BY begun, bucket, unit ORDER BY begun, bucket`,
	} {
		exec(b, db, level)
	}
	store, err := ledger.Open(ledger.Options{DSN: dsn})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	for _, bb := range []struct {
		zone   string
		by     []totals.By
		filter totals.Filter
	}{
		{"UTC", []totals.By{totals.ByDay, totals.ByConsumer}, totals.Filter{}},
		{"Europe/Berlin", []totals.By{totals.ByDay, totals.ByConsumer}, totals.Filter{}},
		{"Asia/Kolkata", []totals.By{totals.ByDay, totals.ByConsumer}, totals.Filter{}},
		{"UTC", []totals.By{totals.ByDay, totals.ByModel}, totals.Filter{Consumers: []*string{new("consumer-7")}}},
		{"Europe/Berlin", []totals.By{totals.ByDay, totals.ByModel}, totals.Filter{Consumers: []*string{new("consumer-7")}}},
		{"Europe/Berlin", []totals.By{totals.ByConsumer, totals.ByModel}, totals.Filter{}},
	} {
		b.Run(fmt.Sprintf("%s %v %d", bb.zone, bb.by, len(bb.filter.Consumers)), func(b *testing.B) {
			loc, err := totals.Location(bb.zone)
			if err != nil {
				b.Fatal(err)
			}
			q := totals.Query{
				From: time.Date(2026, 10, 1, 0, 0, 0, 0, loc), To: time.Date(2026, 11, 1, 0, 0, 0, 0, loc), Location: loc, By: bb.by, Filter: bb.filter,
			}
			var took []time.Duration
			for b.Loop() {
				begun := time.Now()
				result, err := store.Totals().Query(b.Context(), q)
				if err != nil || len(result.Rows) == 0 {
					b.Fatal(err)
				}
				took = append(took, time.Since(begun))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}

// BenchmarkWriterWhileFolding writes records of one APISIX consumer, and of a hundred with five models and three routes, with
// nobody who folds and with one who does so every two seconds, as run does: an operation is one record, and what is left to fold
// at the end is told.
func BenchmarkWriterWhileFolding(b *testing.B) {
	for _, bb := range []struct {
		consumers, models, routes int
		folding                   bool
	}{{1, 1, 1, false}, {1, 1, 1, true}, {100, 5, 3, false}, {100, 5, 3, true}} {
		b.Run(fmt.Sprintf("names=%d/folding=%t", bb.consumers*bb.models*bb.routes, bb.folding), func(b *testing.B) {
			dsn := migrated(b)
			w := ledgerOf(b, dsn, func(o *ledger.Options) { o.Writers = 4 })
			store, err := ledger.Open(ledger.Options{DSN: dsn})
			if err != nil {
				b.Fatal(err)
			}
			defer store.Close()
			records := make([]record.Record, b.N)
			for i := range records {
				records[i] = request(someID(), func(r *record.Record) {
					n := int(r.Key[10])<<8 | int(r.Key[11])
					r.Consumer, r.RouteID = new(fmt.Sprint("consumer-", n%bb.consumers)), new(fmt.Sprint("route-", n/100%bb.routes))
					r.Usage.Model = new(fmt.Sprint("model-", n/300%bb.models))
				})
			}
			b.ResetTimer()
			done, folded := make(chan struct{}), make(chan int)
			go func() {
				all := 0
				for running := bb.folding; running; {
					select {
					case <-done:
						running = false
					case <-time.After(2 * time.Second):
						n, err := store.FoldUsage(b.Context())
						if err != nil {
							b.Error(err)
						}
						all += n
					}
				}
				folded <- all
			}()
			var wg sync.WaitGroup
			for first := range 256 {
				wg.Go(func() {
					for i := first; i < len(records); i += 256 {
						commit(b, w, unit(records[i]))
					}
				})
			}
			wg.Wait()
			took := b.Elapsed()
			close(done)
			<-folded
			b.ReportMetric(float64(b.N)/took.Seconds(), "records/s")
			b.ReportMetric(float64(value[int](b, connect(b, dsn), "SELECT COUNT(*) FROM usage_delta")), "left")
		})
	}
}

// BenchmarkVerify compares all levels with records; an operation is one record.
func BenchmarkVerify(b *testing.B) {
	dsn := migrated(b)
	w := ledgerOf(b, dsn)
	random := rand.New(rand.NewPCG(81, 82))
	var u record.Unit
	for range b.N {
		u.Records = append(u.Records, randomUsage(random))
	}
	for part := range slices.Chunk(u.Records, 1000) {
		commit(b, w, unit(part...))
	}
	store, err := ledger.Open(ledger.Options{DSN: dsn})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	if _, err := store.FoldUsage(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	done, err := store.Totals().Verify(b.Context(), time.Unix(0, 0), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), func(totals.Difference) {}, func(int64) {})
	if err != nil || done.Differences != 0 || done.Records != int64(b.N) {
		b.Fatalf("%+v, %v", done, err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
