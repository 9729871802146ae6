package api_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"

	"gateway-billing.internal/consumer/internal/apitoken"
)

// restricted is a grant of one APISIX consumer's usage and records.
func restricted(name string, consumers ...string) apitoken.Grant {
	return apitoken.Grant{Name: name, Scopes: []apitoken.Scope{apitoken.UsageRead, apitoken.RecordsRead}, Consumers: append([]string{}, consumers...)}
}

// Takers follow while many write, raise, fill in and claim, and while several number changes and fold sums: in the end each
// has exactly the records that it may see, at their last revision, and they add up to what usage says.
func TestTakersEndWithTheLedger(t *testing.T) {
	t.Parallel()
	s := serve(t, []apitoken.Grant{everything("ops"), restricted("alice", "alice"), restricted("anonymous", ""), restricted("none")})
	db := connect(t, s.dsn)
	random := rand.New(rand.NewPCG(11, 12))
	copies := traffic(random, 150)
	s.commit(t, copies[:100]...) // from before there were changes
	exec(t, db, "UPDATE mq_consume_log SET change_id = 0")
	exec(t, db, "DELETE FROM ledger_change")
	takers := []*taker{
		{who: "ops", accept: "application/json", limit: 7}, {who: "ops", accept: "application/x-ndjson", limit: 1},
		{who: "ops", accept: "application/x-ndjson", encoding: "gzip", limit: 1000}, {who: "alice", accept: "application/json", limit: 3},
		{who: "alice", accept: "application/x-ndjson", encoding: "gzip", limit: 100_000}, {who: "anonymous", accept: "application/json", limit: 50},
		{who: "none", accept: "application/json", limit: 50},
	}
	writing, written := context.WithCancel(t.Context())
	var writers, others sync.WaitGroup
	for range 3 {
		others.Go(func() {
			for writing.Err() == nil {
				if _, err := s.store.NumberChanges(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	others.Go(func() {
		for writing.Err() == nil {
			if _, err := s.store.FoldUsage(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
	for _, k := range takers {
		others.Go(func() {
			for writing.Err() == nil {
				k.poll(t, s)
			}
		})
	}
	for part := range slices.Chunk(copies[100:], 6) {
		writers.Go(func() { s.commit(t, part...) })
	}
	writers.Wait()
	written()
	others.Wait()
	s.number(t)
	for _, k := range takers {
		for k.poll(t, s) {
		}
		where := map[string]string{"ops": "1", "alice": "consumer = 'alice'", "anonymous": "consumer = ''", "none": "0"}[k.who]
		k.equals(t, db, where)
		var u usage
		s.get(k.who, "/v1/usage?from=yesterday").into(t, &u)
		if got := k.sums(); got.Records != u.Total.Records || got.Tokens != u.Total.TotalTokens || got.Missing != u.Total.UsageMissing || got.Partial != u.Total.UsagePartial {
			t.Errorf("%s has %+v, usage says %+v", k.who, got, u.Total)
		}
		// When nothing happens, nothing comes, and the place stays.
		at, came := k.cursor, k.came
		if more := k.poll(t, s); more || k.cursor != at || k.came != came {
			t.Errorf("%s: nothing happened, and %d records came, more is %t, at %s after %s", k.who, k.came-came, more, k.cursor, at)
		}
	}
	if ops := takers[0]; ops.came == len(ops.last) {
		t.Error("no record came twice, so none was changed while the taker looked")
	}
}

func TestEmptyFeed(t *testing.T) {
	t.Parallel()
	s := serve(t, []apitoken.Grant{everything("ops")})
	takers := []*taker{{who: "ops", accept: "application/json", limit: 5}, {who: "ops", accept: "application/x-ndjson", limit: 5}}
	all := func(what string, want int) {
		t.Helper()
		for _, k := range takers {
			if k.poll(t, s) || k.came != want {
				t.Errorf("%s: %d records of %s, want %d", k.accept, k.came, what, want)
			}
		}
	}
	all("an empty ledger", 0)
	all("an empty ledger, asked again", 0)
	s.commit(t, request(yesterday))
	all("one that has no number yet", 0)
	s.number(t)
	all("one that has", 1)
	all("nothing more", 1)
	for _, query := range []string{"limit=0", "limit=100001", "limit=-1", "limit=x", "limit=", "limit=01", "limit=1&limit=2", "after=1"} {
		if a := s.wrong("ops", "/v1/records?"+query); a.status != http.StatusBadRequest {
			t.Errorf("%s: %d", query, a.status)
		}
	}
	if a := s.wrong("ops", "/v1/records", "Accept", "text/csv"); a.status != http.StatusNotAcceptable {
		t.Errorf("as CSV: %d", a.status)
	}
}

// Changes that committed late have their numbers behind those with higher ids, and a page may end anywhere among them.
func TestChangesThatCommittedLate(t *testing.T) {
	t.Parallel()
	s := serve(t, []apitoken.Grant{everything("ops")})
	db := connect(t, s.dsn)
	for range 6 {
		s.commit(t, request(yesterday), request(yesterday))
	}
	exec(t, db, "UPDATE ledger_change SET sequence = FIELD(id, 3, 2, 5, 6, 1, 4)")
	exec(t, db, "UPDATE ledger_sequencer SET last_sequence = 6")
	for limit := range 14 {
		k := taker{who: "ops", accept: "application/json", limit: limit + 1}
		for k.poll(t, s) {
		}
		if k.equals(t, db, "1"); k.came != 12 {
			t.Errorf("limit %d: %d records came", limit+1, k.came)
		}
	}
}
