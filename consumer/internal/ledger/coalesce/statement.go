package coalesce

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// statement is a single-row statement taken apart: what stands before its rows, in and between them, and behind.
type statement struct {
	head, open, between, end, tail string
	columns                        int
	// maxRows is the most rows of one statement.
	maxRows int
}

// insertForm is the whole of what is understood of an INSERT: sqlc's comment, INSERT INTO a plain table with plain columns,
// VALUES with placeholders alone, and a tail without placeholders, quotes or anything else that could hide one: VALUES(column)
// is the value of the row that met another.
var insertForm = regexp.MustCompile(`^(?:-- name: \w+ :exec\n)?` +
	`(INSERT INTO \w+ \([\w\s,]+\) VALUES )\(([\s?,]+)\)((?: ON DUPLICATE KEY UPDATE (?:[\w\s=+,]|VALUES\(\w+\))+)?)\s*$`)

// deleteForm is the whole of what is understood of a DELETE: one plain column is compared with a placeholder.
var deleteForm = regexp.MustCompile(`^(?:-- name: \w+ :exec\n)?DELETE FROM (\w+) WHERE (\w+) = \?\s*$`)

// Of an INSERT, more rows than some hundred bring no speed; of a DELETE, each is a SELECT of its own.
const (
	maxInserted = 1000
	maxDeleted  = 500
)

// parsed remembers the few statements that there are.
var parsed sync.Map // query string → *statement

func parse(query string) (*statement, error) {
	if known, ok := parsed.Load(query); ok {
		return known.(*statement), nil
	}
	s := parseDelete(query)
	if s == nil {
		var err error
		if s, err = parseInsert(query); err != nil {
			return nil, err
		}
	}
	parsed.Store(query, s)
	return s, nil
}

func parseInsert(query string) (*statement, error) {
	parts := insertForm.FindStringSubmatch(query)
	if parts == nil {
		return nil, fmt.Errorf("coalesce: not a single-row INSERT of placeholders alone, nor a DELETE by one: %.60q", query)
	}
	placeholders := strings.Split(parts[2], ",")
	for _, p := range placeholders {
		if strings.TrimSpace(p) != "?" {
			return nil, fmt.Errorf("coalesce: the values are not one placeholder a column: %.60q", query)
		}
	}
	in := &statement{
		head: parts[1], open: "(", between: ",", end: ")", tail: strings.TrimRight(parts[3], "\n"), columns: len(placeholders), maxRows: maxInserted,
	}
	if columns := strings.Count(in.head, ",") + 1; columns != in.columns {
		return nil, fmt.Errorf("coalesce: %d columns, %d values: %.60q", columns, in.columns, query)
	}
	return in, nil
}

// parseDelete joins the table to the values, in this order, so that each is looked up. Given a list, a server may rather look at
// all of a small table, and waits on its way for rows that others have locked. nil is no such DELETE.
func parseDelete(query string) *statement {
	parts := deleteForm.FindStringSubmatch(query)
	if parts == nil {
		return nil
	}
	table, column := parts[1], parts[2]
	return &statement{
		head: fmt.Sprintf("DELETE %s FROM (SELECT NULL AS %s", table, column), open: " UNION ALL SELECT ",
		tail:    fmt.Sprintf(") AS listed STRAIGHT_JOIN %[1]s ON %[1]s.%[2]s = listed.%[2]s", table, column),
		columns: 1, maxRows: maxDeleted,
	}
}
