package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/go-sql-driver/mysql"

	"gateway-billing.internal/sql/billingdb"
	"gateway-billing.internal/sql/migrations"
)

// ErrSchema is a database whose tables are not those that this binary writes. It does not heal by waiting.
var ErrSchema = errors.New("the schema is not current")

// Migration is one step of the schema.
type Migration struct {
	Version int64
	// Name is the file of a step in SQL, empty for one in Go.
	Name string
	// AppliedAt is zero while the step is pending.
	AppliedAt time.Time
}

// MigrateUp applies all pending migrations of the database that the DSN names, and returns those it applied. It may run
// again after any failure, and at the same time as another.
func MigrateUp(ctx context.Context, dsn string, options ...mysql.Option) ([]Migration, error) {
	db, err := connect(dsn, 0, 0, 3, options...) // no timeout but the dial's: a migration may take hours
	if err != nil {
		return nil, err
	}
	defer db.Close()
	results, err := migrations.Up(ctx, db)
	applied := make([]Migration, len(results))
	for i, r := range results {
		applied[i] = Migration{Version: r.Source.Version, Name: r.Source.Path, AppliedAt: time.Now().UTC()}
	}
	return applied, err
}

// MigrateStatus lists all migrations, applied and pending.
func MigrateStatus(ctx context.Context, dsn string, options ...mysql.Option) ([]Migration, error) {
	db, err := connect(dsn, 0, 0, 3, options...)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	states, err := migrations.Status(ctx, db)
	all := make([]Migration, len(states))
	for i, s := range states {
		all[i] = Migration{Version: s.Source.Version, Name: s.Source.Path, AppliedAt: s.AppliedAt}
	}
	return all, err
}

// Current says whether the database has the tables that this binary writes. The error is ErrSchema when it does not,
// else what kept it from being asked.
func (s *Store) Current(ctx context.Context) error {
	_, err := current(ctx, s.db)
	return err
}

// current also gives the version that the database has.
func current(ctx context.Context, db *sql.DB) (has int64, err error) {
	const wants = migrations.Latest
	has, err = billingdb.New(db).SchemaVersion(ctx)
	switch {
	case isServerError(err, 1146): // no such table: nothing was ever applied
		has = 0
	case err != nil:
		return 0, fmt.Errorf("schema version: %w", err)
	}
	switch {
	case has < wants:
		return has, fmt.Errorf("%w: version %d, this binary needs %d: run `billing-consumer migrate up`", ErrSchema, has, wants)
	case has == wants:
		return has, nil
	}
	oldest, err := billingdb.New(db).OldestVersion(ctx)
	if err != nil {
		return has, fmt.Errorf("schema version: oldest: %w", err)
	}
	if wants < oldest {
		return has, fmt.Errorf("%w: version %d, which needs a binary that knows %d, and this one knows %d: run a newer one",
			ErrSchema, has, oldest, wants)
	}
	return has, nil // the upgrade to a newer binary is on its way
}

// ValidateSchema compares the tables with those that the migrations make. problems keep the ledger from being written or
// from being right; extra is what somebody added and what does no harm.
func ValidateSchema(ctx context.Context, dsn string, options ...mysql.Option) (problems, extra []string, err error) {
	db, err := connect(dsn, 0, 0, 1, options...)
	if err != nil {
		return nil, nil, err
	}
	defer db.Close()
	return migrations.Validate(ctx, db)
}
