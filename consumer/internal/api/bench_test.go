package api_test

import (
	"bufio"
	"bytes"
	"database/sql"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"gateway-billing.internal/consumer/internal/apitoken"
)

// multiply makes n records of the one that is there, up to a million, 500 of them in each change, and numbers the changes.
func multiply(b testing.TB, s *server, db *sql.DB, n int) {
	b.Helper()
	var columns string
	if err := db.QueryRow(`SELECT GROUP_CONCAT(column_name) FROM information_schema.columns
		WHERE table_schema = DATABASE() AND table_name = 'mq_consume_log' AND column_name NOT IN ('id', 'billing_key', 'change_id')`).Scan(&columns); err != nil {
		b.Fatal(err)
	}
	const numbers = `WITH RECURSIVE n AS (SELECT 0 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 999),
		few AS (SELECT a.i * 1000 + b.i AS i FROM n AS a CROSS JOIN n AS b WHERE a.i <= ? DIV 1000 ORDER BY 1 LIMIT ?) `
	exec(b, db, "INSERT INTO mq_consume_log (billing_key, change_id, "+columns+") "+numbers+`
		SELECT UNHEX(CONCAT('019CB73D3592', MD5(i))), 2 + i DIV 500, `+columns+` FROM few CROSS JOIN mq_consume_log ORDER BY i`, n, n-1)
	exec(b, db, "INSERT INTO ledger_change (id) "+numbers+"SELECT 2 + i FROM few ORDER BY i", n/500, (n+498)/500)
	if _, err := s.store.NumberChanges(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkRecords follows a ledger from its beginning by HTTP, as NDJSON. An operation is one record; there are at most a
// million.
func BenchmarkRecords(b *testing.B) {
	s := serve(b, []apitoken.Grant{everything("ops")})
	db := connect(b, s.dsn)
	s.record(used{consumer: new("alice"), model: "gpt-4o", at: time.Now().Add(-24 * time.Hour), tokens: 1234})
	multiply(b, s, db, b.N)
	b.ResetTimer()
	read := 0
	for path := "/v1/records?limit=100000"; path != ""; {
		r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, s.url+path, nil)
		if err != nil {
			b.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+s.tokens["ops"])
		r.Header.Set("Accept", "application/x-ndjson")
		got, err := client.Do(r)
		if err != nil {
			b.Fatal(err)
		}
		var end struct {
			Next string `json:"next_cursor"`
			More bool   `json:"more"`
		}
		for lines := bufio.NewReaderSize(got.Body, 1<<20); end.Next == ""; read++ {
			line, err := lines.ReadSlice('\n')
			if err == nil && bytes.HasPrefix(line, []byte(`{"next_cursor"`)) {
				err = json.Unmarshal(line, &end)
			}
			if err != nil {
				b.Fatal(got.StatusCode, read, err)
			}
		}
		read--
		_ = got.Body.Close()
		if path = ""; end.More {
			path = "/v1/records?limit=100000&cursor=" + end.Next
		}
	}
	if read != b.N {
		b.Fatalf("%d of %d", read, b.N)
	}
	b.ReportMetric(float64(read)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkUsage asks by HTTP for a month by day and APISIX consumer, over the sums of 10 million records: a hundred APISIX
// consumers, five models and three routes, all of them in every quarter of an hour.
func BenchmarkUsage(b *testing.B) {
	s := serve(b, []apitoken.Grant{everything("ops")})
	db := connect(b, s.dsn)
	const sums = `SUM(quantity), SUM(records), SUM(usage_missing), SUM(usage_partial), SUM(prompt_tokens), SUM(completion_tokens),
		SUM(total_tokens), SUM(cached_tokens), SUM(cache_write_tokens), SUM(reasoning_tokens), SUM(audio_tokens)`
	const names = "MIN(consumer), MIN(route_id), MIN(service_id), MIN(model), MIN(status_class), MIN(billable), "
	for _, level := range []string{
		`INSERT INTO usage_rollup
		  WITH RECURSIVE few AS (SELECT 0 AS i UNION ALL SELECT i + 1 FROM few WHERE i < 99)
		  SELECT 15, 'all', TIMESTAMPADD(MINUTE, 1440 * d.i + 15 * q.i, '2026-09-30'), UNHEX(SHA2(CONCAT(c.i, '-', r.i, '-', m.i), 256)), 'request',
		    CONCAT('consumer-', c.i), CONCAT('route-', r.i), 'service', CONCAT('model-', m.i), '2xx', 1, 2, 2, 0, 0, 2468, 482, 2950, 100, 0, 40, 0
		  FROM few AS d CROSS JOIN few AS q CROSS JOIN few AS c CROSS JOIN few AS r CROSS JOIN few AS m
		  WHERE d.i < 33 AND q.i < 96 AND r.i < 3 AND m.i < 5 ORDER BY 3, 4`,
		`INSERT INTO usage_hourly SELECT TIMESTAMPADD(MINUTE, -MINUTE(start), start) AS begun, bucket, unit, ` + names + sums + `
		  FROM usage_rollup WHERE span = 15 AND cut = 'all' GROUP BY begun, bucket, unit ORDER BY begun, bucket`,
		`INSERT INTO usage_rollup SELECT 1440, 'all', CAST(DATE(hour) AS DATETIME) AS begun, bucket, unit, ` + names + sums + `
		  FROM usage_hourly GROUP BY begun, bucket, unit ORDER BY begun, bucket`,
		`INSERT INTO usage_rollup SELECT 15, 'consumer', start, UNHEX(SHA2(consumer, 256)) AS name_hash, unit, MIN(consumer), NULL, NULL, NULL, NULL, MIN(billable), ` + sums + `
		  FROM usage_rollup WHERE span = 15 AND cut = 'all' GROUP BY start, name_hash, unit ORDER BY start, name_hash`,
		`INSERT INTO usage_rollup SELECT 60, 'consumer', hour, UNHEX(SHA2(consumer, 256)) AS name_hash, unit, MIN(consumer), NULL, NULL, NULL, NULL, MIN(billable), ` + sums + `
		  FROM usage_hourly GROUP BY hour, name_hash, unit ORDER BY hour, name_hash`,
		`INSERT INTO usage_rollup SELECT 1440, 'consumer', CAST(DATE(start) AS DATETIME) AS begun, bucket, unit, MIN(consumer), NULL, NULL, NULL, NULL, MIN(billable), ` + sums + `
		  FROM usage_rollup WHERE span = 60 AND cut = 'consumer' GROUP BY begun, bucket, unit ORDER BY begun, bucket`,
	} {
		exec(b, db, level)
	}
	for _, zone := range []string{"UTC", "Europe/Berlin", "Asia/Kolkata"} {
		b.Run(zone, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				begun := time.Now()
				r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, s.url+"/v1/usage?from=2026-10&by=day,consumer&zone="+zone, nil)
				if err != nil {
					b.Fatal(err)
				}
				r.Header.Set("Authorization", "Bearer "+s.tokens["ops"])
				got, err := client.Do(r)
				if err != nil {
					b.Fatal(err)
				}
				n, err := io.Copy(io.Discard, got.Body)
				_ = got.Body.Close()
				if err != nil || got.StatusCode != http.StatusOK || n < 3100*100 {
					b.Fatalf("%d bytes, %d, %v", n, got.StatusCode, err)
				}
				took = append(took, time.Since(begun))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}
