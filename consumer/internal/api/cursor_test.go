package api_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strings"
	"testing"
	"time"

	"gateway-billing.internal/consumer/internal/apitoken"
)

// altered is a cursor with one of its numbers changed by something.
func altered(t *testing.T, cursor string, place int, by int64) string {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		t.Fatal(err)
	}
	binary.BigEndian.PutUint64(b[place:], binary.BigEndian.Uint64(b[place:])+uint64(by))
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
	const sequence, id, last, random = 1, 9, 17, 25
	for name, tt := range map[string]struct {
		cursor string
		want   int
	}{
		"of another ledger":             {foreign.cursor, http.StatusConflict},
		"behind the last change":        {altered(t, valid, sequence, 1), http.StatusConflict},
		"far behind it":                 {altered(t, valid, sequence, 1<<62), http.StatusConflict},
		"of a ledger that was further":  {altered(t, valid, last, 1), http.StatusConflict},
		"of one that was not as far":    {altered(t, valid, last, -3), http.StatusConflict},
		"of another history":            {altered(t, valid, random, 1), http.StatusConflict},
		"in a change that is not there": {altered(t, within, sequence, 5), http.StatusConflict},
		"of the form before this":       {base64.RawURLEncoding.EncodeToString(append([]byte{1, 0, 0, 0, 0, 0, 0, 0, 1}, make([]byte, 32)...)), http.StatusConflict},
		"negative":                      {altered(t, valid, sequence, -1<<63), http.StatusBadRequest},
		"a negative row":                {altered(t, within, id, -1<<63), http.StatusBadRequest},
		"negative changes":              {altered(t, valid, last, -1<<63), http.StatusBadRequest},
		"too short":                     {valid[:len(valid)-4], http.StatusBadRequest},
		"too long":                      {valid + "AAAA", http.StatusBadRequest},
		"of another form":               {"Aw" + valid[2:], http.StatusBadRequest},
		"the beginning":                 {base64.RawURLEncoding.EncodeToString(append([]byte{2}, make([]byte, 32)...)), http.StatusBadRequest},
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

// A cursor tells who may see little nothing of the others' records: neither when their requests began nor what their keys are.
func TestCursorTellsNothingOfOthers(t *testing.T) {
	t.Parallel()
	s := serve(t, []apitoken.Grant{restricted("alice", "alice")})
	hidden := request(yesterday.Add(12345*time.Millisecond), by("bob"))
	s.commit(t, request(yesterday))
	s.commit(t, hidden, request(yesterday))
	s.number(t)
	for _, limit := range []int{1, 2, 3} {
		k := taker{who: "alice", accept: "application/json", limit: limit}
		for more := true; more; {
			more = k.poll(t, s)
			b, err := base64.RawURLEncoding.DecodeString(k.cursor)
			if err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256(hidden.Key[:])
			for what, part := range map[string][]byte{
				"when it began": hidden.Key[:6], "its request ID": hidden.Key[6:10], "a sum of its key": sum[:4],
			} {
				if bytes.Contains(b, part) {
					t.Errorf("the cursor %x tells of another's record %s", b, what)
				}
			}
		}
	}
}
