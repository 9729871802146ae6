// Package probe asks a database server what it is and what it lets this user do, and changes nothing: what a consumer
// wants to know of it before the first message.
package probe

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"strings"
	"time"
)

//go:embed statements/*.sql
var statements embed.FS

// statement is the text of a file; names are placeholders and what stands in for them.
func statement(name string, names ...string) string {
	text, err := statements.ReadFile("statements/" + name + ".sql")
	if err != nil {
		panic(err) // it is embedded
	}
	return strings.NewReplacer(names...).Replace(string(text))
}

// Server is what a server says of itself in a session.
type Server struct {
	// Version is VERSION(), User is CURRENT_USER().
	Version, User string
	// Now is the session's clock in the session's time zone, UTC the same moment in UTC: equal where the session runs in UTC.
	// Both are read as if they were UTC.
	Now, UTC time.Time
	// Asked is this machine's clock between the question and the answer with the two, RoundTrip how long that took.
	Asked     time.Time
	RoundTrip time.Duration
	// Variables are those of the session that matter here, as far as the server has them.
	Variables map[string]string
	// Cipher is what encrypts the connection, empty where nothing does.
	Cipher string
}

// Ask asks in the session of conn, which must parse times as UTC.
func Ask(ctx context.Context, conn *sql.Conn) (s Server, err error) {
	began := time.Now()
	row := conn.QueryRowContext(ctx, statement("server"))
	if err := row.Scan(&s.Version, &s.User, &s.Now, &s.UTC); err != nil {
		return s, err
	}
	s.RoundTrip = time.Since(began)
	s.Asked = began.Add(s.RoundTrip / 2)
	if s.Variables, err = pairs(ctx, conn, statement("variables")); err != nil {
		return s, fmt.Errorf("variables: %w", err)
	}
	status, err := pairs(ctx, conn, statement("cipher"))
	if err != nil {
		return s, fmt.Errorf("status: %w", err)
	}
	s.Cipher = status["ssl_cipher"]
	return s, nil
}

// pairs reads rows of a name and a value.
func pairs(ctx context.Context, conn *sql.Conn, query string) (map[string]string, error) {
	rows, err := conn.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string]string{}
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return nil, err
		}
		all[strings.ToLower(name)] = value
	}
	return all, rows.Err()
}
