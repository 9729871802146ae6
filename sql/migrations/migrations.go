// Package migrations owns the schema of the billing database and the way to it: goose migrations, embedded in the
// binary, each of which can run again after a crash in its middle (DDL is not transactional on MySQL or MariaDB).
//
//	1  sets the table of an older consumer aside, where there is one
//	2  creates all tables
//	3  copies the older consumer's rows into the ledger, with their usage, and drops its table
package migrations

import (
	"database/sql"
	"embed"
	"fmt"

	"github.com/pressly/goose/v3"
)

//go:embed *.sql
var tables embed.FS

// New makes the provider that applies these migrations to db, or says which are applied. Two that run at once wait for
// each other. db needs room for two connections or more: one holds the lock while another works.
func New(db *sql.DB) (*goose.Provider, error) {
	p, err := goose.NewProvider(goose.DialectMySQL, db, tables,
		goose.WithSessionLocker(locker{}),
		// None of them is the business of goose's global registry.
		goose.WithDisableGlobalRegistry(true),
		goose.WithGoMigrations(
			goose.NewGoMigration(1, &goose.GoFunc{RunDB: setAside}, nil),
			goose.NewGoMigration(3, &goose.GoFunc{RunDB: adopt}, nil),
		),
	)
	if err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	return p, nil
}
