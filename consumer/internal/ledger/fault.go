package ledger

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"

	"database/sql/driver"

	"github.com/go-sql-driver/mysql"

	"gateway-billing.internal/consumer/internal/ledger/coalesce"
)

// fault says what a failed transaction calls for.
type fault string

const (
	// faultOutage: the server, or what is unknown. Wait and try again, for as long as it takes.
	faultOutage fault = "outage"
	// faultSetup: rights, tables or settings. Waiting alone does not mend it, people do; until then it is an outage.
	faultSetup fault = "setup"
	// faultContention: another transaction was in the way. Try again at once.
	faultContention fault = "contention"
	// faultLost: the connection broke: an outage, or one statement that breaks it each time.
	faultLost fault = "connection_lost"
	// faultSize: more than one transaction may hold. Half of it may pass.
	faultSize fault = "size"
	// faultStatement: the content of a row. Trying again changes nothing.
	faultStatement fault = "statement"
)

// Server errors by what they call for; all others are an outage. The numbers are those of MySQL and MariaDB.
var serverFaults = map[fault][]uint16{
	faultContention: {
		1020, // record has changed since last read
		1205, // lock wait timeout
		1213, // deadlock
	},
	faultSize: {
		1197, // more than max_binlog_cache_size
		3100, // more than group replication takes
		8004, // transaction too large (TiDB)
		8025, // entry too large (TiDB)
	},
	faultStatement: {
		1118, // row size too large
		1153, // packet bigger than max_allowed_packet
		1264, // out of range
		1265, // data truncated
		1292, // incorrect value
		1300, // invalid character string
		1301, // result larger than max_allowed_packet
		1366, // incorrect string value
		1367, // illegal value
		1406, // data too long
		1690, // value out of range
		3819, // check constraint
		4025, // check constraint (MariaDB)
	},
	faultSetup: {
		1044, // access denied to database
		1045, // access denied
		1048, // column cannot be null
		1049, // unknown database
		1054, // unknown column
		1062, // duplicate entry: a unique key that is not ours
		1064, // syntax
		1136, // column count
		1142, // command denied on table
		1143, // command denied on column
		1146, // no such table
		1227, // privilege needed
		1231, // variable can't be set to the value
		1364, // field has no default
		1665, // the binary log is of statements, which READ COMMITTED does not allow
		3118, // account locked
	},
}

// classify says what an error of a transaction calls for. The unknown is an outage: it is retried, never dropped.
func classify(err error) fault {
	if e, ok := errors.AsType[*mysql.MySQLError](err); ok {
		for f, numbers := range serverFaults {
			if slices.Contains(numbers, e.Number) {
				return f
			}
		}
		return faultOutage
	}
	switch {
	case errors.Is(err, coalesce.ErrTooLarge), errors.Is(err, mysql.ErrPktTooLarge), errors.Is(err, errRounds):
		return faultStatement
	case errors.Is(err, errOutside):
		return faultOutage // begin and commit carry nothing that could be at fault
	case errors.Is(err, driver.ErrBadConn), errors.Is(err, mysql.ErrInvalidConn), errors.Is(err, mysql.ErrMalformPkt),
		errors.Is(err, mysql.ErrPktSync), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, os.ErrDeadlineExceeded):
		return faultLost
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return faultLost
	}
	return faultOutage
}

// quoting are the server errors whose text repeats values or pieces of a statement.
var quoting = append([]uint16{1048, 1062, 1064}, serverFaults[faultStatement]...)

// withoutContent is an error that may be logged and shown.
func withoutContent(err error) error {
	if e, ok := errors.AsType[*mysql.MySQLError](err); ok && slices.Contains(quoting, e.Number) {
		return fmt.Errorf("the database refuses a statement: error %d (%s)", e.Number, e.SQLState)
	}
	return err
}

func isServerError(err error, number uint16) bool {
	e, ok := errors.AsType[*mysql.MySQLError](err)
	return ok && e.Number == number
}
