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
	// What folding would have made of two records in each quarter of an hour of each group: at each level, of all or of an
	// APISIX consumer alone.
	for _, level := range []struct {
		into, cut string
		minutes   int
	}{
		{"usage_rollup SELECT 15, 'all', ", "all", 15}, {"usage_hourly SELECT ", "all", 60}, {"usage_rollup SELECT 1440, 'all', ", "all", 1440},
		{"usage_rollup SELECT 15, 'consumer', ", "consumer", 15}, {"usage_rollup SELECT 60, 'consumer', ", "consumer", 60},
		{"usage_rollup SELECT 1440, 'consumer', ", "consumer", 1440},
	} {
		groups, names := "r.i < 3 AND m.i < 5", "CONCAT('route-', r.i), 'service', CONCAT('model-', m.i), '2xx'"
		records := 2 * level.minutes / 15
		if level.cut == "consumer" {
			groups, names, records = "r.i < 1 AND m.i < 1", "NULL, NULL, NULL, NULL", 15*records
		}
		exec(b, db, "INSERT INTO "+level.into+`start, UNHEX(SHA2(CONCAT(c.i, '-', r.i, '-', m.i), 256)) AS bucket, 'request', CONCAT('consumer-', c.i), `+names+`,
			1, n, n, 0, 0, n * 1234, n * 241, n * 1475, n * 50, 0, n * 20, 0
			FROM (WITH RECURSIVE few AS (SELECT 0 AS i UNION ALL SELECT i + 1 FROM few WHERE i < 99)
			  SELECT TIMESTAMPADD(MINUTE, 1440 * d.i + ? * t.i, '2026-09-30') AS start, ? AS n FROM few AS d CROSS JOIN few AS t WHERE d.i < 33 AND t.i < 1440 DIV ? ORDER BY 1) AS times
			CROSS JOIN (WITH RECURSIVE few AS (SELECT 0 AS i UNION ALL SELECT i + 1 FROM few WHERE i < 99) SELECT i FROM few) AS c
			CROSS JOIN (SELECT 0 AS i UNION ALL SELECT 1 UNION ALL SELECT 2) AS r
			CROSS JOIN (SELECT 0 AS i UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4) AS m
			WHERE `+groups, level.minutes, records, level.minutes)
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
