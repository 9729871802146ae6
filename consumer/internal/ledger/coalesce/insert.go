package coalesce

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// insert is a single-row INSERT taken apart: what stands before its values, and what behind.
type insert struct {
	head, tail string
	columns    int
}

// form is the whole of what is understood: sqlc's comment, INSERT INTO a plain table with plain columns, VALUES with
// placeholders alone, and a tail without placeholders, quotes or anything else that could hide one: VALUES(column) is the
// value of the row that met another.
var form = regexp.MustCompile(`^(?:-- name: \w+ :exec\n)?` +
	`(INSERT INTO \w+ \([\w\s,]+\) VALUES )\(([\s?,]+)\)((?: ON DUPLICATE KEY UPDATE (?:[\w\s=+,]|VALUES\(\w+\))+)?)\s*$`)

// parsed remembers the few statements that there are.
var parsed sync.Map // query string → *insert

func parse(query string) (*insert, error) {
	if known, ok := parsed.Load(query); ok {
		return known.(*insert), nil
	}
	parts := form.FindStringSubmatch(query)
	if parts == nil {
		return nil, fmt.Errorf("coalesce: not a single-row INSERT of placeholders alone: %.60q", query)
	}
	placeholders := strings.Split(parts[2], ",")
	for _, p := range placeholders {
		if strings.TrimSpace(p) != "?" {
			return nil, fmt.Errorf("coalesce: the values are not one placeholder a column: %.60q", query)
		}
	}
	in := &insert{
		head:    parts[1],
		tail:    strings.TrimRight(parts[3], "\n"),
		columns: len(placeholders),
	}
	if columns := strings.Count(in.head, ",") + 1; columns != in.columns {
		return nil, fmt.Errorf("coalesce: %d columns, %d values: %.60q", columns, in.columns, query)
	}
	parsed.Store(query, in)
	return in, nil
}
