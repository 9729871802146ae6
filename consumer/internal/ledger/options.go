package ledger

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/rs/zerolog"
)

// Options say where the ledger is and how it is written. A zero value of a limit is its default, Linger apart.
type Options struct {
	// DSN is in the form of go-sql-driver/mysql. What correctness needs is set whatever it says; of its parameters TLS,
	// timeouts and the like count.
	DSN string
	// Connect are further options of the driver: TLS, a password that is read anew for each connection.
	Connect []mysql.Option
	// MaxConns is the most connections; default Writers + 2.
	MaxConns int
	// Writers is how many transactions run at once; default 2.
	Writers int
	// MaxRows is the most records and rejects of one transaction; default 500.
	MaxRows int
	// MaxBytes is the most bytes of one statement after escaping; default 4 MiB. The server's max_allowed_packet bounds
	// it further.
	MaxBytes int
	// Linger is how long a batch waits for company while another is being committed; 0 is not at all.
	Linger time.Duration
	// Timeout is after how long without an answer a connection counts as lost; default 15 s. It must be longer than the
	// lock wait, 5 s.
	Timeout time.Duration
	// StatementLimit is after how long the server gives a statement up, of MySQL a SELECT alone; 0 is never.
	StatementLimit time.Duration
	// IdempotencyWindow is how far two requests of one idempotency key may lie apart to be one order; default 24 h.
	IdempotencyWindow time.Duration
	// AbsorbTokens lets a repeated order go unbilled although it consumed tokens of its own.
	AbsorbTokens bool

	Logger   zerolog.Logger
	Observer Observer
}

func (o Options) withDefaults() Options {
	set := func(n *int, standard int) {
		if *n <= 0 {
			*n = standard
		}
	}
	set(&o.Writers, 2)
	set(&o.MaxRows, 500)
	set(&o.MaxBytes, 4<<20)
	set(&o.MaxConns, o.Writers+2)
	if o.Timeout <= 0 {
		o.Timeout = 15 * time.Second
	}
	if o.IdempotencyWindow <= 0 {
		o.IdempotencyWindow = 24 * time.Hour
	}
	if o.Observer == nil {
		o.Observer = noObserver{}
	}
	return o
}

// lockWait bounds the wait for a row that another transaction holds, in seconds: less than any timeout of a connection,
// so that it comes back as error 1205 and not as a lost connection.
const lockWait = "5"

// connect makes the pool. It forces what correctness rests on, whatever the DSN says; nothing is sent yet.
func connect(dsn string, timeout, statementLimit time.Duration, maxConns int, options ...mysql.Option) (*sql.DB, error) {
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, fmt.Errorf("mysql.dsn: %w", err) // the driver's errors do not repeat the DSN
	}
	if cfg.DBName == "" {
		return nil, errors.New("mysql.dsn: names no database")
	}
	cfg.ParseTime, cfg.Loc = true, time.UTC
	cfg.InterpolateParams = true // multi-row statements have more values than a prepared one may
	cfg.ClientFoundRows = false  // affected rows must count what was inserted, not what was matched
	cfg.MultiStatements = false
	cfg.RejectReadOnly = false // a read-only server is an outage like another
	cfg.AllowAllFiles = false
	cfg.MaxAllowedPacket = 0 // the driver asks the server
	cfg.Timeout = 5 * time.Second
	cfg.ReadTimeout, cfg.WriteTimeout = timeout, timeout
	cfg.Logger = &mysql.NopLogger{} // every error is returned as well
	if cfg.Params == nil {
		cfg.Params = map[string]string{}
	}
	delete(cfg.Params, "tx_isolation")
	delete(cfg.Params, "transaction_isolation")
	cfg.Params["time_zone"] = "'+00:00'"
	cfg.Params["sql_mode"] = "'STRICT_ALL_TABLES,ONLY_FULL_GROUP_BY,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'"
	cfg.Params["innodb_lock_wait_timeout"] = lockWait
	if err := cfg.Apply(options...); err != nil {
		return nil, fmt.Errorf("mysql: %w", err)
	}
	if err := cfg.Apply(mysql.Charset("utf8mb4", "utf8mb4_bin")); err != nil {
		return nil, fmt.Errorf("mysql.dsn: %w", err)
	}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, fmt.Errorf("mysql.dsn: %w", err)
	}
	db := sql.OpenDB(session{connector, timeout > 0, statementLimit})
	db.SetMaxOpenConns(maxConns)
	db.SetMaxIdleConns(maxConns)
	db.SetConnMaxIdleTime(5 * time.Minute)
	return db, nil
}
