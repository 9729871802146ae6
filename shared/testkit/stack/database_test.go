package stack_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"gateway-billing.internal/shared/testkit/stack"
)

func open(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxIdleConns(0) // each query shows how the server is now
	t.Cleanup(func() { db.Close() })
	return db
}

func execute(t *testing.T, db *sql.DB, query string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), query); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func text(t *testing.T, db *sql.DB, query string) (value string) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), query).Scan(&value); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return value
}

func TestNewDatabase(t *testing.T) {
	server := stack.Shared(t).Database
	var first string
	t.Run("one test", func(t *testing.T) {
		db := open(t, server.NewDatabase(t))
		first = text(t, db, "SELECT DATABASE()")
		if got := text(t, db, "SELECT @@collation_database"); got != "utf8mb4_bin" {
			t.Errorf("collation %s", got)
		}
		execute(t, db, "CREATE TABLE a (v VARCHAR(10) UNIQUE)")
		execute(t, db, "INSERT INTO a VALUES ('acme'), ('ACME')")
		if second := text(t, open(t, server.NewDatabase(t)), "SELECT DATABASE()"); second == first {
			t.Errorf("both databases are called %s", first)
		}
	})
	remaining := text(t, open(t, server.DSN("")),
		"SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = '"+first+"'")
	if remaining != "0" {
		t.Errorf("database %s outlived its test", first)
	}
}

func TestDatabaseKeepsItsDataAndAddress(t *testing.T) {
	server := stack.StartDatabase(t)
	if got := text(t, open(t, server.DSN("")), "SELECT @@innodb_flush_log_at_trx_commit"); got != "1" {
		t.Errorf("innodb_flush_log_at_trx_commit = %s", got)
	}
	dsn, addr := server.NewDatabase(t), server.Addr()
	db := open(t, dsn)
	execute(t, db, "CREATE TABLE kept (v INT)")
	for i, end := range []func() error{server.Kill, server.Stop} {
		execute(t, db, "INSERT INTO kept VALUES (1)")
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if server.PID() != 0 {
			t.Error("an ended server has a process ID")
		}
		if err := end(); err == nil {
			t.Error("ending it twice is no error")
		}
		if err := server.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := server.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "runs already") {
			t.Errorf("starting it twice: %v", err)
		}
		if got, want := text(t, open(t, dsn), "SELECT COUNT(*) FROM kept"), string(rune('1'+i)); got != want {
			t.Errorf("%s rows after %d ends, want %s", got, i+1, want)
		}
	}
	if server.Addr() != addr {
		t.Errorf("address %s became %s", addr, server.Addr())
	}
}

func TestPausedDatabaseAnswersLater(t *testing.T) {
	server := stack.StartDatabase(t)
	db := open(t, server.NewDatabase(t))
	if err := server.Pause(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := db.PingContext(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("ping of a paused server: %v", err)
	}
	if err := server.Resume(); err != nil {
		t.Fatal(err)
	}
	text(t, db, "SELECT 1")

	// A paused server can be stopped in order, too.
	if err := errors.Join(server.Pause(), server.Stop()); err != nil {
		t.Error(err)
	}
}

func TestCrashedDatabaseStartsAgain(t *testing.T) {
	server := stack.StartDatabase(t)
	// The server ends by itself.
	execute(t, open(t, server.DSN("")), "SHUTDOWN")
	eventually(t, "the server has ended", func() bool { return server.PID() == 0 })
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	text(t, open(t, server.DSN("")), "SELECT 1")
}
