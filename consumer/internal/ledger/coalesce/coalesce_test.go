package coalesce

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"

	"gateway-billing.internal/sql/billingdb"
)

// server remembers the statements that reach it.
type server struct {
	billingdb.DBTX
	statements []string
	fail       error
}

func (s *server) ExecContext(_ context.Context, query string, args ...any) (sql.Result, error) {
	if s.fail != nil {
		return nil, s.fail
	}
	if len(args) > 0 {
		return nil, errors.New("a statement with arguments")
	}
	s.statements = append(s.statements, query)
	return affected(strings.Count(query, "),(") + 1), nil
}

type affected int64

func (a affected) LastInsertId() (int64, error) { return 0, nil }
func (a affected) RowsAffected() (int64, error) { return int64(a), nil }

const pair = "-- name: InsertPair :exec\nINSERT INTO pair (\n  a, b\n) VALUES (\n  ?, ?\n) ON DUPLICATE KEY UPDATE a = a\n"

func TestRowsBecomeOneStatement(t *testing.T) {
	s := &server{}
	b := New(s, Limits{Statement: 1 << 20, Row: 1 << 20})
	for i := range 3 {
		if _, err := b.ExecContext(t.Context(), pair, int64(i), "x"); err != nil {
			t.Fatal(err)
		}
	}
	n, err := b.Flush(t.Context())
	if err != nil || n != 3 {
		t.Fatalf("flush: %d, %v", n, err)
	}
	want := "INSERT INTO pair (\n  a, b\n) VALUES (0,'x'),(1,'x'),(2,'x') ON DUPLICATE KEY UPDATE a = a"
	if len(s.statements) != 1 || s.statements[0] != want {
		t.Errorf("sent %q", s.statements)
	}
	if n, err := b.Flush(t.Context()); err != nil || n != 3 || len(s.statements) != 1 {
		t.Errorf("a second flush sent something: %d, %v", n, err)
	}
}

func TestStatementsAreSplit(t *testing.T) {
	s := &server{}
	b := New(s, Limits{Statement: 1000, Row: 2000})
	sizes := []int{100, 100, 100, 900, 10} // rows of two arguments, 280 to 1880 bytes at most
	for _, size := range sizes {
		if _, err := b.ExecContext(t.Context(), pair, int64(1), strings.Repeat("x", size)); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := b.Flush(t.Context()); err != nil || n != 5 {
		t.Fatalf("flush: %d, %v", n, err)
	}
	if len(s.statements) != 3 {
		t.Errorf("%d statements, want 3 (three rows, one large, one)", len(s.statements))
	}
	s = &server{}
	b = New(s, Limits{Statement: 1 << 30, Row: 1 << 30})
	for i := range 2*maxInserted + 1 {
		if _, err := b.ExecContext(t.Context(), pair, int64(i), "x"); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := b.Flush(t.Context()); err != nil || n != 2*maxInserted+1 || len(s.statements) != 3 {
		t.Errorf("%d rows in %d statements, %v", n, len(s.statements), err)
	}
}

func TestRowBeyondTheServersLimit(t *testing.T) {
	s := &server{}
	b := New(s, Limits{Statement: 1000, Row: 1000})
	if _, err := b.ExecContext(t.Context(), pair, int64(1), strings.Repeat("'", 500)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a thousand escaped bytes: %v", err)
	}
	if _, err := b.ExecContext(t.Context(), pair, int64(1), strings.Repeat("x", 900)); err != nil {
		t.Errorf("900 plain bytes: %v", err)
	}
	if len(s.statements) != 0 {
		t.Error("something was sent")
	}
}

func TestOnlyKnownFormsAreRewritten(t *testing.T) {
	for _, query := range []string{
		"INSERT INTO pair (a, b) VALUES (?, 'what?')",
		"INSERT INTO pair (a, b) VALUES (?, UPPER(?))",
		"INSERT INTO pair (a, b) VALUES (?, ?), (?, ?)",
		"INSERT INTO pair (a, b) VALUES (?, ?) ON DUPLICATE KEY UPDATE a = ?",
		"INSERT INTO pair (a, b) VALUES (?, ?) ON DUPLICATE KEY UPDATE a = UPPER(a)",
		"INSERT INTO pair (a, b) VALUES (?, ?) ON DUPLICATE KEY UPDATE a = VALUES(?)",
		"INSERT INTO pair (a, b) VALUES (?, ?) ON DUPLICATE KEY UPDATE a = (VALUES(a))",
		"INSERT INTO pair (a, b) VALUES (?, ?); DELETE FROM pair",
		"INSERT INTO pair (a, b) VALUES (?, ?) -- a comment",
		"INSERT INTO pair (a, b, c) VALUES (?, ?)",
		"INSERT INTO `pair` (a, b) VALUES (?, ?)",
		"INSERT IGNORE INTO pair (a, b) VALUES (?, ?)",
		"INSERT INTO pair SELECT ?, ?",
		"INSERT INTO pair (a, b) VALUES (? ?)",
		"UPDATE pair SET a = ?, b = ?",
		"DELETE FROM pair WHERE a = ? OR b = ?",
		"DELETE FROM pair WHERE a <= ?",
		"DELETE FROM pair WHERE a = ? LIMIT 1",
		"DELETE FROM pair",
	} {
		if _, err := New(&server{}, Limits{1000, 1000}).ExecContext(t.Context(), query, int64(1), int64(2)); err == nil {
			t.Errorf("taken: %s", query)
		}
	}
	adding := "INSERT INTO pair (a, b) VALUES (?, ?) ON DUPLICATE KEY UPDATE a = a + VALUES(a)"
	if _, err := New(&server{}, Limits{1000, 1000}).ExecContext(t.Context(), adding, int64(1), int64(2)); err != nil {
		t.Errorf("not taken: %s: %v", adding, err)
	}
	b := New(&server{}, Limits{1000, 1000})
	if _, err := b.ExecContext(t.Context(), pair, int64(1), int64(2)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.ExecContext(t.Context(), strings.Replace(pair, "pair", "other", 1), int64(1), int64(2)); err == nil {
		t.Error("two statements in one batch")
	}
	if _, err := b.ExecContext(t.Context(), pair, int64(1), int64(2), int64(3)); err == nil {
		t.Error("an argument too many")
	}
}

func TestFailureIsReturned(t *testing.T) {
	fail := errors.New("away")
	b := New(&server{fail: fail}, Limits{1000, 1000})
	if _, err := b.ExecContext(t.Context(), pair, int64(1), int64(2)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Flush(t.Context()); !errors.Is(err, fail) {
		t.Errorf("flush: %v", err)
	}
}

func TestDeletesBecomeOneStatement(t *testing.T) {
	s := &server{}
	b := New(s, Limits{Statement: 1 << 20, Row: 1 << 20})
	for i := range maxDeleted + 2 {
		if _, err := b.ExecContext(t.Context(), "-- name: DeletePair :exec\nDELETE FROM pair WHERE a = ?\n", int64(i)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := "DELETE pair FROM (SELECT NULL AS a UNION ALL SELECT 500 UNION ALL SELECT 501) AS listed STRAIGHT_JOIN pair ON pair.a = listed.a"
	if len(s.statements) != 2 || s.statements[1] != want {
		t.Errorf("%d statements, the last %q", len(s.statements), s.statements[len(s.statements)-1])
	}
}

// Every statement that sqlc generates for a batch is of the form.
func TestGeneratedStatementsAreKnown(t *testing.T) {
	b := func() *billingdb.Queries { return billingdb.New(New(&server{}, Limits{1 << 20, 1 << 20})) }
	for name, err := range map[string]error{
		"record":      b().InsertRecord(t.Context(), billingdb.InsertRecordParams{}),
		"dead letter": b().InsertDeadLetter(t.Context(), billingdb.InsertDeadLetterParams{}),
		"origin":      b().InsertDeadLetterOrigin(t.Context(), billingdb.InsertDeadLetterOriginParams{}),
		"delta":       b().InsertUsageDelta(t.Context(), billingdb.InsertUsageDeltaParams{}),
		"claim":       b().InsertClaim(t.Context(), billingdb.InsertClaimParams{}),
		"stamp":       b().InsertStampSeen(t.Context(), billingdb.InsertStampSeenParams{}),
		"hourly sum":  b().AddUsageHourly(t.Context(), billingdb.AddUsageHourlyParams{}),
		"sum":         b().AddUsageRollup(t.Context(), billingdb.AddUsageRollupParams{}),
		"folded":      b().DeleteUsageDelta(t.Context(), 1),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSizes(t *testing.T) {
	text := "a'\"\\\x00\n\r\x1ab"
	if got := Escaped(text); got != len(text)+7 {
		t.Errorf("escaped %d", got)
	}
	args := []any{text, &text, []byte(text), (*string)(nil), 5}
	if got, want := exactly(args), 5*otherSize+3*(len(text)+7); got != want {
		t.Errorf("exactly %d, want %d", got, want)
	}
	if atMost(args) < exactly(args) {
		t.Error("the bound is no bound")
	}
}
