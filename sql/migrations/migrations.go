// Package migrations owns the schema of the billing database and the way to it: goose migrations, embedded in the
// binary, each of which can run again after a crash in its middle (DDL is not transactional on MySQL or MariaDB).
//
//	1  sets the table of an older consumer aside, where there is one
//	2  creates all tables
//	3  copies the older consumer's rows into the ledger, with their usage, and drops its table
//	4  indexes the conflicts
//	5  adds what working with dead letters needs
//	7  adds how far retention has come
//	8  sums usage by quarters of an hour, with all of a sum in one row, and by days
//	9  numbers the changes of the ledger, for those who follow it
//	10 tells the histories of the ledger apart, where it was put back to a backup
//
// There is no 6, and none may come: databases that have 7 would not take it.
package migrations

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"

	"github.com/pressly/goose/v3"

	"gateway-billing.internal/sql/billingdb"
)

//go:embed *.sql
var tables embed.FS

// Oldest is the lowest Latest of the code that can work on this schema: such code may go on, and be started again, while
// an upgrade rolls through. A migration that older code can't live with (it takes a column away that the code names, or
// asks of rows what it does not write) raises Oldest to its own version; the older consumers must be stopped before it.
const Oldest = 9

// lockSeconds is how long a migration waits for another one: long enough for a big table to be adopted.
const lockSeconds = 3600

// Up applies what is pending and returns what it applied. Two that run at once wait for each other. db needs room for
// three connections.
func Up(ctx context.Context, db *sql.DB) (applied []*goose.MigrationResult, err error) {
	err = locked(ctx, db, func(p *goose.Provider, q *billingdb.Queries) error {
		if err := keepSums(ctx, db, q); err != nil {
			return err
		}
		// First, so that older code stays away from a schema that it does not know, also when a migration fails midway.
		if err := q.RaiseOldest(ctx, Oldest); err != nil {
			return fmt.Errorf("oldest version: %w", err)
		}
		applied, err = p.Up(ctx)
		return err
	})
	return applied, err
}

// Status lists all migrations and which are applied.
func Status(ctx context.Context, db *sql.DB) (all []*goose.MigrationStatus, err error) {
	err = locked(ctx, db, func(p *goose.Provider, _ *billingdb.Queries) error {
		all, err = p.Status(ctx)
		return err
	})
	return all, err
}

// locked runs do while no other migration of this database can run. The lock is the connection's: it goes when the
// process dies.
func locked(ctx context.Context, db *sql.DB, do func(*goose.Provider, *billingdb.Queries) error) error {
	p, err := goose.NewProvider(goose.DialectMySQL, db, tables,
		goose.WithTableName("billing_schema_version"),
		goose.WithDisableGlobalRegistry(true),
		goose.WithGoMigrations(append(next,
			goose.NewGoMigration(1, &goose.GoFunc{RunDB: setAside}, nil),
			goose.NewGoMigration(3, &goose.GoFunc{RunDB: adopt}, nil),
			goose.NewGoMigration(9, &goose.GoFunc{RunDB: addChanges}, nil),
			goose.NewGoMigration(10, &goose.GoFunc{RunDB: addHistories}, nil),
		)...),
	)
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	defer conn.Close()
	q := billingdb.New(conn)
	held, err := q.AcquireMigrationLock(ctx, lockSeconds)
	if err != nil {
		return fmt.Errorf("migration lock: %w", err)
	}
	if held != 1 {
		return errors.New("migration lock: another migration has held it for an hour")
	}
	defer func() {
		// Where this fails the connection is gone, and the lock with it.
		_, _ = q.ReleaseMigrationLock(context.WithoutCancel(ctx))
	}()
	for _, table := range []string{"version_table", "oldest_table"} {
		if _, err := conn.ExecContext(ctx, statement(table)); err != nil {
			return fmt.Errorf("schema %s: %w", table, err)
		}
	}
	if err := q.StartVersions(ctx); err != nil {
		return fmt.Errorf("schema version table: %w", err)
	}
	return do(p, q)
}
