package api_test

import (
	"context"
	"database/sql"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"

	"gateway-billing.internal/consumer/internal/api"
	"gateway-billing.internal/consumer/internal/apitoken"
	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/shared/testkit/stack"
)

// aDay is the noon of 2026-11-20, which is past.
var aDay = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited a minute for: %s", what)
		}
	}
}

// locked locks a table against everybody until unlock is called.
func locked(t *testing.T, dsn, table string) (db *sql.DB, unlock func()) {
	t.Helper()
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(t.Context(), "LOCK TABLES "+table+" WRITE"); err != nil {
		t.Fatal(err)
	}
	unlock = sync.OnceFunc(func() {
		if _, err := conn.ExecContext(context.Background(), "UNLOCK TABLES"); err != nil {
			t.Error(err)
		}
		conn.Close()
	})
	t.Cleanup(func() { unlock(); db.Close() })
	return db, unlock
}

// waiting is how many statements wait for a locked table of the server's database.
func waiting(t *testing.T, db *sql.DB) (n int) {
	t.Helper()
	err := db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND state LIKE '%lock%'").Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// What takes too long is given up, and that is not called an outage.
func TestTooSlow(t *testing.T) {
	t.Parallel()
	s := serve(t, []apitoken.Grant{everything("ops")}, func(o *api.Options) { o.QueryLimit = time.Second })
	_, unlock := locked(t, s.dsn, "usage_delta")
	s.get("ops", "/v1/usage?from=2026-11-20").problem(t, http.StatusGatewayTimeout)
	unlock()
	eventually(t, "an answer", func() bool { return s.get("ops", "/v1/usage?from=2026-11-20").status == http.StatusOK })
}

// serveWithoutHaste serves with questions that may wait for the database for minutes.
func serveWithoutHaste(t *testing.T, grants ...apitoken.Grant) *server {
	t.Helper()
	dsn := stack.Shared(t).Database.NewDatabase(t)
	patient, err := ledger.Open(ledger.Options{DSN: dsn, Timeout: 5 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { patient.Close() })
	return serveOn(t, dsn, grants, func(o *api.Options) { o.QueryLimit, o.Store = 5*time.Minute, patient })
}

// A token that asks for too much at once waits for itself, and leaves the others their turns; who finds all turns taken is told
// to come again. All who wait are answered when the database goes on.
func TestTooMuch(t *testing.T) {
	t.Parallel()
	s := serveWithoutHaste(t, everything("ops"), everything("greedy"), everything("other"))
	s.record(used{new("alice"), "gpt", aDay, 5, ""})
	db, unlock := locked(t, s.dsn, "usage_delta")
	var slow sync.WaitGroup
	turns := func(who string) {
		for range api.MaxOfOne {
			slow.Go(func() {
				var got usage
				if s.get(who, "/v1/usage?from=2026-11-20").into(t, &got); got.Total.TotalTokens != 5 {
					t.Errorf("after the wait: %+v", got)
				}
			})
		}
	}
	turns("greedy")
	eventually(t, "the token's turns taken", func() bool { return waiting(t, db) == api.MaxOfOne })
	if a := s.get("ops", "/v1/gaps"); a.status != http.StatusOK {
		t.Errorf("another token: %d %s", a.status, a.body)
	}
	turns("other")
	eventually(t, "all turns taken", func() bool { return waiting(t, db) == api.MaxAtOnce })
	var refused sync.WaitGroup
	for who, status := range map[string]int{"greedy": http.StatusTooManyRequests, "ops": http.StatusServiceUnavailable} {
		refused.Go(func() {
			a := s.get(who, "/v1/gaps")
			a.problem(t, status)
			if after := a.header.Get("Retry-After"); after != "1" {
				t.Errorf("Retry-After: %q", after)
			}
		})
	}
	refused.Wait()
	if a := s.get("", "/openapi.yaml"); a.status != http.StatusOK {
		t.Errorf("the document, which needs no turn: %d", a.status)
	}
	unlock()
	slow.Wait()
	if a := s.get("greedy", "/v1/gaps"); a.status != http.StatusOK {
		t.Errorf("afterwards: %d", a.status)
	}
}

// Tokens that see some APISIX consumers alone leave a turn to those who take all usage over.
func TestRestrictedTokensLeaveATurn(t *testing.T) {
	t.Parallel()
	mine := func(name string) apitoken.Grant {
		return apitoken.Grant{Name: name, Scopes: []apitoken.Scope{apitoken.UsageRead}, Consumers: []string{name}}
	}
	s := serveWithoutHaste(t, everything("ops"), mine("alice"), mine("bob"))
	db, unlock := locked(t, s.dsn, "usage_delta")
	var slow sync.WaitGroup
	statuses := make(chan int, 2*api.MaxOfOne)
	for range api.MaxOfOne {
		for _, who := range []string{"alice", "bob"} {
			slow.Go(func() { statuses <- s.get(who, "/v1/usage?from=2026-11-20").status })
		}
	}
	eventually(t, "all turns but one taken", func() bool { return waiting(t, db) == api.MaxAtOnce-1 })
	if got := <-statuses; got != http.StatusServiceUnavailable {
		t.Errorf("the one that waited: %d", got)
	}
	if a := s.get("ops", "/v1/gaps"); a.status != http.StatusOK {
		t.Errorf("who sees all: %d %s", a.status, a.body)
	}
	unlock()
	slow.Wait()
}

// A server that is stopped ends at once, also while questions wait for the database, and its clients see that there is no
// answer. (TestMain looks for what is left running.)
func TestStopWhileAnswering(t *testing.T) {
	t.Parallel()
	failed := make(chan error, 1)
	// The end of the outer test unlocks, that of the inner one stops the server.
	outer, dsn := t, stack.Shared(t).Database.NewDatabase(t)
	t.Run("server", func(t *testing.T) {
		s := serveOn(t, dsn, []apitoken.Grant{everything("ops")})
		db, _ := locked(outer, s.dsn, "usage_delta")
		r, err := http.NewRequest(http.MethodGet, s.url+"/v1/usage?from=2026-11-20", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header = s.bearer("ops")
		go func() {
			answer, err := client.Do(r)
			if err == nil {
				answer.Body.Close()
			}
			failed <- err
		}()
		eventually(t, "the question asked", func() bool { return waiting(t, db) == 1 })
		// Clients that say nothing, or stop in the middle.
		for _, text := range []string{"", "GET /v1/usa", "GET /v1/usage HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nAuthorization: " + s.bearer("ops").Get("Authorization") + "\r\n\r\n12"} {
			conn, err := net.Dial("tcp", s.api.Address())
			if err != nil {
				t.Fatal(err)
			}
			outer.Cleanup(func() { conn.Close() })
			if _, err := io.WriteString(conn, text); err != nil {
				t.Fatal(err)
			}
		}
	})
	if err := <-failed; err == nil {
		t.Error("a question that was cut off has an answer")
	}
}

// Without the database there is no answer, to no question, and nothing of how the database is reached; with it again there
// is. Nothing secret is logged.
func TestDatabaseAway(t *testing.T) {
	t.Parallel()
	database := stack.StartDatabase(t)
	var log lines
	s := serveOn(t, database.NewDatabase(t), []apitoken.Grant{everything("ops"), {Name: "alice", Scopes: []apitoken.Scope{apitoken.UsageRead}, Consumers: []string{"alice"}}},
		func(o *api.Options) { o.Log, o.QueryLimit = log.logger(), 60*time.Second })
	s.record(used{new("alice"), "HushMark", aDay, 5, ""})
	const question = "/v1/usage?from=2026-11-20&by=model&model=HushMark"
	if a := s.get("alice", question); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if err := database.Kill(); err != nil {
		t.Fatal(err)
	}
	for _, who := range []string{"ops", "alice"} {
		for _, path := range []string{question, question + "&dimension=a%3Db"} {
			a := s.get(who, path)
			p := a.problem(t, http.StatusServiceUnavailable)
			if a.header.Get("Retry-After") != "5" || p.Detail != "the database can't answer now" {
				t.Errorf("%s: %v %s", path, a.header, a.body)
			}
		}
	}
	for _, path := range []string{"/v1/records", "/v1/records/" + strings.Repeat("0", 32), "/v1/dead-letters", "/v1/dead-letters/1", "/v1/gaps"} {
		s.get("ops", path).problem(t, http.StatusServiceUnavailable)
	}
	s.ask(http.MethodPost, "ops", "/v1/dead-letters/1/redrive", true).problem(t, http.StatusServiceUnavailable)
	if err := database.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "an answer", func() bool { return s.get("alice", question).status == http.StatusOK })
	// One that hangs is away too: who asks for less gets no answer either.
	hasty := serveOn(t, s.dsn, []apitoken.Grant{everything("ops")}, func(o *api.Options) { o.Log, o.QueryLimit = log.logger(), time.Second })
	if err := database.Pause(); err != nil {
		t.Fatal(err)
	}
	hasty.get("ops", question).problem(t, http.StatusServiceUnavailable)
	if err := database.Resume(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "an answer", func() bool { return hasty.get("ops", question).status == http.StatusOK })
	text := log.String()
	if !strings.Contains(text, "api: no answer") {
		t.Errorf("the log does not tell of it: %s", text)
	}
	for _, secret := range []string{s.tokens["ops"], s.tokens["alice"], s.tokens["ops"][4:30], "HushMark", s.dsn} {
		if strings.Contains(text, secret) {
			t.Errorf("the log shows %s:\n%s", secret, text)
		}
	}
}
