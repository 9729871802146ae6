//go:build nextschema

package migrations

import (
	"context"
	"database/sql"

	"github.com/pressly/goose/v3"
)

// Latest is the version of the schema after next.
const Latest = 9001

// next makes, under the build tag nextschema, a binary of a later version, whose migration the present one can live
// with: the test of a rolling upgrade runs both.
var next = []*goose.Migration{
	goose.NewGoMigration(Latest, &goose.GoFunc{RunDB: func(ctx context.Context, db *sql.DB) error {
		_, err := db.ExecContext(ctx, "ALTER TABLE mq_consume_log ADD COLUMN next_version VARCHAR(16) NULL")
		return err
	}}, nil),
}
