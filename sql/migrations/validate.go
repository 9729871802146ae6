package migrations

import (
	"context"
	"database/sql"
	_ "embed"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// expected is what Describe gives for a database that all migrations were applied to, and nothing else.
//
//go:embed schema.txt
var expected string

// displayWidth is what some servers write behind an integer's type, and what means nothing.
var displayWidth = regexp.MustCompile(`\b((?:big|medium|small|tiny)?int)\(\d+\)`)

// Describe lists the columns and indexes of all tables of the database, a line each, in the same words on every server.
func Describe(ctx context.Context, db *sql.DB) (string, error) {
	var b strings.Builder
	for _, kind := range [][2]string{{"column", "schema_columns"}, {"index", "schema_indexes"}} {
		if err := describe(ctx, db, &b, kind[0], statement(kind[1])); err != nil {
			return "", fmt.Errorf("describe the schema: %w", err)
		}
	}
	return b.String(), nil
}

func describe(ctx context.Context, db *sql.DB, b *strings.Builder, kind, query string) error {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var table, name, definition string
		if err := rows.Scan(&table, &name, &definition); err != nil {
			return err
		}
		fmt.Fprintf(b, "%s %s.%s: %s\n", kind, table, name, displayWidth.ReplaceAllString(definition, "$1"))
	}
	return rows.Err()
}

// Validate compares the database with what the migrations make. problems keep the code from working, or from being
// right; extra is what somebody added, which does no harm unless it is a unique index.
func Validate(ctx context.Context, db *sql.DB) (problems, extra []string, err error) {
	described, err := Describe(ctx, db)
	if err != nil {
		return nil, nil, err
	}
	want, have := lines(expected), lines(described)
	for _, what := range slices.Sorted(maps.Keys(want)) {
		switch got, ok := have[what]; {
		case !ok:
			problems = append(problems, what+" is missing: want "+want[what])
		case got != want[what]:
			problems = append(problems, what+" is "+got+": want "+want[what])
		}
	}
	for _, what := range slices.Sorted(maps.Keys(have)) {
		if _, ok := want[what]; ok {
			continue
		}
		if _, table, _ := strings.Cut(what, " "); strings.HasPrefix(have[what], "UNIQUE") && strings.HasPrefix(table, "mq_consume_log.") {
			problems = append(problems, what+" is unique, "+have[what]+": beside billing_key nothing may be, for then records vanish without an error")
			continue
		}
		extra = append(extra, what+": "+have[what])
	}
	return problems, extra, nil
}

// lines maps what is described to its definition.
func lines(text string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(text) {
		what, definition, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		all[what] = definition
	}
	return all
}
