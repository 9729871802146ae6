package api_test

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"gateway-billing.internal/consumer/internal/api"
	"gateway-billing.internal/consumer/internal/apitoken"
	"gateway-billing.internal/consumer/internal/record"
)

// open asks and leaves the answer to be read.
func (s *server) open(t *testing.T, k *taker) *http.Response {
	t.Helper()
	got, err := client.Do(s.question(http.MethodGet, k.who, k.path(), "Accept", k.accept))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// What is longer than memory and sockets hold is sent as it is read. Where that breaks, of either side's doing, the answer has
// no end, and who asks again has lost nothing.
func TestAnswersThatBreak(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := serve(t, []apitoken.Grant{everything("ops"), restricted("carol", "carol")}, func(o *api.Options) {
		o.Log = zerolog.New(zerolog.SyncWriter(&log)).Level(zerolog.WarnLevel)
	})
	db := connect(t, s.dsn)
	s.commit(t, request(yesterday, func(r *record.Record) { r.URI = new(strings.Repeat("/long", 200)) }))
	const all = 10_500 // some 20 MB
	multiply(t, s, db, all)
	s.commit(t, request(yesterday, by("carol")))
	s.number(t)

	for _, accept := range []string{"application/x-ndjson", "application/json"} {
		k := taker{who: "ops", accept: accept, limit: 100_000}
		// More of those who go away than are answered at once.
		for range 6 {
			got := s.open(t, &k)
			if _, err := bufio.NewReader(got.Body).ReadString(','); err != nil {
				t.Error(err)
			}
			_ = got.Body.Close()
		}
		// A table that is away stands for a database that is.
		got := s.open(t, &k)
		lines := bufio.NewReader(got.Body)
		if _, err := lines.ReadString(','); err != nil {
			t.Error(err)
		}
		exec(t, db, "RENAME TABLE ledger_sequencer TO elsewhere")
		rest, err := io.ReadAll(lines)
		exec(t, db, "RENAME TABLE elsewhere TO ledger_sequencer")
		_ = got.Body.Close()
		if err == nil || bytes.Contains(rest, []byte("next_cursor")) || bytes.Contains(rest, []byte("problem")) {
			t.Errorf("%s: the database went away, and the answer ends with %v and %.300s", accept, err, rest[max(0, len(rest)-300):])
		}
		if got.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", accept, got.StatusCode)
		}
	}
	k := taker{who: "ops", accept: "application/x-ndjson", encoding: "gzip", limit: 100_000}
	got := s.open(t, &k)
	n := 0
	for lines := bufio.NewScanner(got.Body); lines.Scan(); n++ {
	}
	_ = got.Body.Close()
	if n != all+2 {
		t.Errorf("%d lines, want %d records and the end", n, all+1)
	}

	if text := log.String(); strings.Count(text, "\n") != 2 || strings.Count(text, "ledger_sequencer") != 2 {
		t.Errorf("two answers failed, and the log says %s", text)
	}

	// One who sees little is answered in pieces: an empty one, and more.
	carol := taker{who: "carol", accept: "application/json", limit: 5}
	if more := carol.poll(t, s); !more || carol.came != 0 {
		t.Errorf("%d records, more is %t", carol.came, more)
	}
	if more := carol.poll(t, s); more || carol.came != 1 {
		t.Errorf("%d records, more is %t", carol.came, more)
	}
}

// A database that is away before the answer began is a problem with a time to come again.
func TestFeedWithoutADatabase(t *testing.T) {
	t.Parallel()
	s := serve(t, []apitoken.Grant{everything("ops")})
	exec(t, connect(t, s.dsn), "DROP TABLE ledger_change")
	for _, accept := range []string{"application/x-ndjson", "application/json", "*/*"} {
		a := s.get("ops", "/v1/records", "Accept", accept)
		if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" || a.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %v %s", accept, a.status, a.header, a.body)
		}
	}
}

// Somebody wrote what is no JSON into the table: nothing is given out for it, and the log names the record.
func TestRecordThatIsNoJSON(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := serve(t, []apitoken.Grant{everything("ops")}, func(o *api.Options) { o.Log = zerolog.New(zerolog.SyncWriter(&log)).Level(zerolog.WarnLevel) })
	r := request(yesterday)
	s.commit(t, r)
	s.number(t)
	exec(t, connect(t, s.dsn), `UPDATE mq_consume_log SET quantities = '[{"hush'`)
	if a := s.get("ops", "/v1/records"); a.status != http.StatusServiceUnavailable {
		t.Errorf("%d %s", a.status, a.body)
	}
	if text := log.String(); !strings.Contains(text, "record "+r.Key.String()) || strings.Contains(text, "hush") {
		t.Errorf("the log says %s", text)
	}
}
