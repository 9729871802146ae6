package api_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"gateway-billing.internal/consumer/internal/apitoken"
)

// backup copies what the feed is made of, as of now, and returns what puts it back: rows, and the ids that come next.
func (s *server) backup(t *testing.T) (putBack func()) {
	t.Helper()
	db := connect(t, s.dsn)
	next := map[string]int64{"mq_consume_log": 0, "ledger_change": 0, "ledger_sequencer": 0}
	for table := range next {
		exec(t, db, "CREATE TABLE backup_"+table+" AS SELECT * FROM "+table)
		if table == "ledger_sequencer" {
			continue
		}
		var id int64
		if err := db.QueryRow("SELECT COALESCE(MAX(id), 0) + 1 FROM " + table).Scan(&id); err != nil {
			t.Fatal(err)
		}
		next[table] = id
	}
	return func() {
		t.Helper()
		for table, id := range next {
			exec(t, db, "DELETE FROM "+table)
			exec(t, db, "INSERT INTO "+table+" SELECT * FROM backup_"+table)
			if id > 0 {
				exec(t, db, fmt.Sprintf("ALTER TABLE %s AUTO_INCREMENT = %d", table, id))
			}
		}
		exec(t, db, "DELETE FROM usage_delta")
	}
}

// follows fails where a cursor has another answer.
func (s *server) follows(t *testing.T, what, cursor string, want int) {
	t.Helper()
	if a := s.get("ops", "/v1/records?cursor="+cursor); a.status != want {
		t.Errorf("%s: %d %s, want %d", what, a.status, a.body, want)
	}
}

// A ledger that was put back to a backup knows the cursors from before it, and no later one, however far it comes again.
func TestCursorOfALedgerThatWasPutBack(t *testing.T) {
	t.Parallel()
	s := serve(t, []apitoken.Grant{everything("ops")})
	k := taker{who: "ops", accept: "application/json", limit: 100}
	s.commit(t, request(yesterday))
	s.number(t)
	k.poll(t, s)
	kept := k.cursor
	putBack := s.backup(t)
	s.commit(t, request(yesterday))
	s.number(t)
	k.poll(t, s)
	putBack()
	s.follows(t, "put back", k.cursor, http.StatusConflict)
	s.follows(t, "put back, a cursor that the backup knows", kept, http.StatusOK)
	for range 3 {
		s.commit(t, request(yesterday))
		s.number(t)
	}
	s.follows(t, "as far again", k.cursor, http.StatusConflict)
	s.follows(t, "as far again, a cursor that the backup knows", kept, http.StatusOK)
}

// A replay makes the same records again, with their ids, keys and revisions, and in other changes than before.
func TestCursorOfALedgerThatWasPutBackAndReplayed(t *testing.T) {
	t.Parallel()
	at := func(ms int) time.Time { return yesterday.Add(time.Duration(ms) * time.Millisecond) }
	first, second, third := request(at(0)), request(at(1)), request(at(2))
	for name, tt := range map[string]struct {
		before, flow, replay func(*testing.T, *server)
	}{
		"in one transaction": {
			before: func(t *testing.T, s *server) { s.commit(t, first) },
			flow:   func(t *testing.T, s *server) { s.commit(t, second); s.commit(t, third) },
			replay: func(t *testing.T, s *server) { s.commit(t, second, third) },
		},
		"one by one": {
			before: func(t *testing.T, s *server) { s.commit(t, first) },
			flow:   func(t *testing.T, s *server) { s.commit(t, second); s.commit(t, third) },
			replay: func(t *testing.T, s *server) { s.commit(t, second); s.commit(t, third) },
		},
		"with the last record raised again": {
			before: func(t *testing.T, s *server) { s.commit(t, worse(first)) },
			flow:   func(t *testing.T, s *server) { s.commit(t, second); s.commit(t, first) },
			replay: func(t *testing.T, s *server) { s.commit(t, second, first) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, []apitoken.Grant{everything("ops")})
			tt.before(t, s)
			s.number(t)
			putBack := s.backup(t)
			tt.flow(t, s)
			s.number(t)
			k := taker{who: "ops", accept: "application/json", limit: 100}
			for k.poll(t, s) {
			}
			putBack()
			tt.replay(t, s)
			for i := range 3 { // what was never there before
				s.commit(t, request(at(10+i)))
			}
			s.number(t)
			s.follows(t, "a cursor from before", k.cursor, http.StatusConflict)
			// It begins anew, as it is told to.
			again := taker{who: "ops", accept: "application/json", limit: 1}
			for again.poll(t, s) {
			}
			again.equals(t, connect(t, s.dsn), "1")
		})
	}
}

// A taker that is far behind passes the place of a record that has moved on. Where it is put back there, the taker would never
// have it.
func TestCursorThatPassedWhatIsPutBack(t *testing.T) {
	t.Parallel()
	s := serve(t, []apitoken.Grant{everything("ops")})
	raised := request(yesterday)
	s.commit(t, worse(raised))
	s.commit(t, request(yesterday))
	s.commit(t, request(yesterday))
	s.number(t)
	putBack := s.backup(t)
	s.commit(t, raised)
	s.number(t)
	k := taker{who: "ops", accept: "application/json", limit: 1}
	k.poll(t, s) // the second change
	putBack()
	s.follows(t, "put back", k.cursor, http.StatusConflict)
}

// Whoever numbered a change before there were histories, the ledger's own tells it from another one.
func TestCursorOfChangesWithoutAHistory(t *testing.T) {
	t.Parallel()
	var cursors []string
	var ledgers []*server
	for range 2 {
		s := serve(t, []apitoken.Grant{everything("ops")})
		s.commit(t, request(yesterday))
		s.number(t)
		exec(t, connect(t, s.dsn), "UPDATE ledger_change SET history = 0") // as an older program leaves it
		k := taker{who: "ops", accept: "application/json", limit: 10}
		k.poll(t, s)
		ledgers, cursors = append(ledgers, s), append(cursors, k.cursor)
	}
	s := ledgers[0]
	s.follows(t, "another ledger's", cursors[1], http.StatusConflict)
	s.commit(t, request(yesterday))
	s.number(t)
	s.follows(t, "its own", cursors[0], http.StatusOK)
}
