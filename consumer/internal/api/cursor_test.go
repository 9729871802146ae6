package api_test

import (
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strings"
	"testing"
	"time"

	"gateway-billing.internal/consumer/internal/apitoken"
)

// altered is a cursor with one of its numbers changed by something.
func altered(t *testing.T, cursor string, place, width int, by int64) string {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		t.Fatal(err)
	}
	if width == 4 {
		binary.BigEndian.PutUint32(b[place:], binary.BigEndian.Uint32(b[place:])+uint32(by))
	} else {
		binary.BigEndian.PutUint64(b[place:], binary.BigEndian.Uint64(b[place:])+uint64(by))
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// A cursor that this ledger can't have given is refused, never answered as if nothing had happened.
func TestCursorsThatAreNone(t *testing.T) {
	t.Parallel()
	s, other := serve(t, []apitoken.Grant{everything("ops")}), serve(t, []apitoken.Grant{everything("ops")})
	for _, of := range []*server{s, other} {
		for range 3 {
			of.commit(t, request(yesterday), request(yesterday))
		}
		of.number(t)
	}
	foreign := taker{who: "ops", accept: "application/json", limit: 3}
	foreign.poll(t, other)
	k := taker{who: "ops", accept: "application/json", limit: 3}
	k.poll(t, s)
	within := k.cursor // the second change has one record more
	for k.poll(t, s) {
	}
	valid := k.cursor
	const sequence, id, lastID, lastTime, sum = 1, 9, 17, 25, 33
	for name, tt := range map[string]struct {
		cursor string
		want   int
	}{
		"of another ledger":             {foreign.cursor, http.StatusConflict},
		"behind the last change":        {altered(t, valid, sequence, 8, 1), http.StatusConflict},
		"far behind it":                 {altered(t, valid, sequence, 8, 1<<62), http.StatusConflict},
		"of a record that is not there": {altered(t, valid, lastID, 8, 1000), http.StatusConflict},
		"of another record's":           {altered(t, valid, lastID, 8, -1), http.StatusConflict},
		"of another time's":             {altered(t, valid, lastTime, 8, 1), http.StatusConflict},
		"of another key's":              {altered(t, valid, sum, 4, 1), http.StatusConflict},
		"in a change that is not there": {altered(t, within, sequence, 8, 5), http.StatusConflict},
		"in a row of its own":           {altered(t, within, id, 8, 1), http.StatusBadRequest},
		"negative":                      {altered(t, valid, sequence, 8, -1<<63), http.StatusBadRequest},
		"a negative row":                {altered(t, within, id, 8, -1<<63), http.StatusBadRequest},
		"too short":                     {valid[:len(valid)-4], http.StatusBadRequest},
		"too long":                      {valid + "AAAA", http.StatusBadRequest},
		"of another form":               {"Ag" + valid[2:], http.StatusBadRequest},
		"the beginning":                 {base64.RawURLEncoding.EncodeToString(append([]byte{1}, make([]byte, 36)...)), http.StatusBadRequest},
		"padded":                        {valid + "=", http.StatusBadRequest},
		"no base64":                     {strings.Repeat("~", 50), http.StatusBadRequest},
		"empty":                         {"", http.StatusBadRequest},
		"long":                          {strings.Repeat("A", 101), http.StatusBadRequest},
	} {
		a := s.wrong("ops", "/v1/records?cursor="+tt.cursor)
		var p struct{ Type, Detail string }
		if a.into(t, &p); a.status != tt.want || tt.want == http.StatusConflict && p.Type != "/problems/unknown-cursor" {
			t.Errorf("%s: %d %s, want %d", name, a.status, a.body, tt.want)
		}
	}
	if a := s.get("ops", "/v1/records?cursor="+valid); a.status != http.StatusOK {
		t.Errorf("its own: %d %s", a.status, a.body)
	}
}

// A ledger that was put back to a backup, and has come as far again with other records, knows the cursors from before it.
func TestCursorOfALedgerThatWasPutBack(t *testing.T) {
	t.Parallel()
	s := serve(t, []apitoken.Grant{everything("ops")})
	db := connect(t, s.dsn)
	k := taker{who: "ops", accept: "application/json", limit: 100}
	s.commit(t, request(yesterday))
	s.number(t)
	k.poll(t, s)
	kept := k.cursor
	s.commit(t, request(yesterday))
	s.number(t)
	k.poll(t, s)
	ask := func(what, cursor string, want int) {
		t.Helper()
		if a := s.get("ops", "/v1/records?cursor="+cursor); a.status != want {
			t.Errorf("%s: %d %s, want %d", what, a.status, a.body, want)
		}
	}
	// As a backup from between the two would have it.
	for _, back := range []string{
		"DELETE FROM mq_consume_log WHERE id > 1", "ALTER TABLE mq_consume_log AUTO_INCREMENT = 2", "DELETE FROM ledger_change WHERE id > 1",
		"ALTER TABLE ledger_change AUTO_INCREMENT = 2", "UPDATE ledger_sequencer SET last_sequence = 1",
	} {
		exec(t, db, back)
	}
	ask("put back", k.cursor, http.StatusConflict)
	ask("put back, a cursor that the backup knows", kept, http.StatusOK)
	for range 3 {
		s.commit(t, request(yesterday))
	}
	s.number(t)
	ask("as far again", k.cursor, http.StatusConflict)
	ask("as far again, a cursor that the backup knows", kept, http.StatusOK)
}

// Where the last record that a taker had is pruned, it goes on as if nothing had happened; what is pruned does not come.
func TestCursorOfAPrunedRecord(t *testing.T) {
	t.Parallel()
	s := serve(t, []apitoken.Grant{everything("ops")})
	old := time.Now().Add(-60 * 24 * time.Hour)
	s.commit(t, request(old))
	s.number(t)
	k := taker{who: "ops", accept: "application/json", limit: 1}
	for k.poll(t, s) {
	}
	// All that was there goes, and something comes.
	if n, err := s.store.PruneLedger(t.Context(), old.Add(24*time.Hour), func(int64) {}); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if k.poll(t, s); k.came != 1 {
		t.Errorf("%d records came", k.came)
	}
	s.commit(t, request(yesterday))
	s.number(t)
	late := taker{who: "ops", accept: "application/json", limit: 1}
	for _, k := range []*taker{&k, &late} {
		for k.poll(t, s) {
		}
	}
	if k.came != 2 || late.came != 1 {
		t.Errorf("%d records came, and %d to one who came late", k.came, late.came)
	}
}

// A ledger that was put back to before the last record was raised has that record, with a lower revision.
func TestCursorOfARevisionThatIsGone(t *testing.T) {
	t.Parallel()
	s := serve(t, []apitoken.Grant{everything("ops")})
	s.commit(t, request(yesterday))
	s.number(t)
	k := taker{who: "ops", accept: "application/json", limit: 10}
	for k.poll(t, s) {
	}
	db := connect(t, s.dsn)
	ask := func() int { return s.wrong("ops", "/v1/records?cursor="+k.cursor).status }
	exec(t, db, "UPDATE mq_consume_log SET revision = revision + 1")
	if got := ask(); got != http.StatusOK {
		t.Errorf("%d for a record that was raised since", got)
	}
	exec(t, db, "UPDATE mq_consume_log SET revision = revision - 1")
	k.cursor = altered(t, k.cursor, 37, 4, 1) // as it would be of the record that was raised
	if got := ask(); got != http.StatusConflict {
		t.Errorf("%d for a revision that this ledger has not come to, want 409", got)
	}
}
