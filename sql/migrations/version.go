//go:build !nextschema

package migrations

import "github.com/pressly/goose/v3"

// Latest is the version of the schema that the generated code fits.
const Latest = 10

// next are migrations of a later version; only the test of a rolling upgrade has one.
var next []*goose.Migration
