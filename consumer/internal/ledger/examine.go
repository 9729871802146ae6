package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-sql-driver/mysql"

	"gateway-billing.internal/sql/migrations"
	"gateway-billing.internal/sql/probe"
)

// Facts are what a database says of itself before anything is written.
type Facts struct {
	// Version is the server's, such as 11.4.5-MariaDB. User is whom it takes us for.
	Version, User string
	// Variables are those of a session that was made as the ledger makes its sessions.
	Variables map[string]string
	// ZoneOffset is how far the session's local time is from UTC: 0 in a session as it must be.
	ZoneOffset time.Duration
	// Ahead is how far the server's clock is ahead of this machine's, give or take half of RoundTrip.
	Ahead, RoundTrip time.Duration
	// Cipher is what encrypts the connection, empty where nothing does.
	Cipher string
	// Schema is nil where the tables are this binary's; ErrSchema where they are not.
	Schema error
	// Newer is true where the schema is newer than this binary, which can live with it.
	Newer bool
	// Problems are differences of the tables from what the migrations make, that keep the ledger from being written or right.
	Problems []string
	// Missing are the rights that the user lacks, such as "INSERT on mq_consume_log".
	Missing []string
	// Refused is why something that is about no row was refused for another reason than a missing right.
	Refused error
}

// Examine asks the database for its facts, on one connection, and changes nothing. prune says whether dead letters are to
// be pruned, which needs more rights. The error says that the database can't be asked at all.
func Examine(ctx context.Context, dsn string, prune bool, options ...mysql.Option) (f Facts, err error) {
	db, err := connect(dsn, 15*time.Second, 0, 1, options...)
	if err != nil {
		return f, err
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return f, err
	}
	server, err := probe.Ask(ctx, conn)
	if err != nil {
		_ = conn.Close()
		return f, err
	}
	f.Version, f.User, f.Variables, f.Cipher = server.Version, server.User, server.Variables, server.Cipher
	f.ZoneOffset = server.Now.Sub(server.UTC).Round(time.Second)
	f.Ahead, f.RoundTrip = server.UTC.Sub(server.Asked), server.RoundTrip
	f.rights(ctx, conn, prune)
	_ = conn.Close() // the next questions need the only connection
	var has int64
	has, f.Schema = current(ctx, db)
	f.Newer = has > migrations.Latest
	if f.Schema == nil && !f.Newer {
		f.Problems, _, err = migrations.Validate(ctx, db)
	}
	return f, err
}

// rights tries what the ledger will do.
func (f *Facts) rights(ctx context.Context, conn *sql.Conn, prune bool) {
	for _, right := range probe.Rights(prune) {
		err := right.Try(ctx, conn)
		e, isServers := errors.AsType[*mysql.MySQLError](err)
		switch {
		case err == nil, isServerError(err, 1146): // no such table: the schema's matter
		case isServerError(err, 1290), isServerError(err, 1836): // read-only: the variables say so
		case isServers && slices.Contains(denied, e.Number):
			f.Missing = append(f.Missing, right.String())
		case f.Refused == nil:
			f.Refused = fmt.Errorf("%s: %w", right, withoutContent(err))
		}
	}
}

// denied are the server errors that say that a right is missing.
var denied = []uint16{1044, 1142, 1143, 1227}
