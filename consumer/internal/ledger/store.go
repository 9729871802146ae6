package ledger

import (
	"context"
	"database/sql"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"gateway-billing.internal/consumer/internal/ledger/coalesce"
	"gateway-billing.internal/consumer/internal/ledger/feed"
	"gateway-billing.internal/consumer/internal/ledger/totals"
	"gateway-billing.internal/sql/billingdb"
)

// Store writes the ledger. It is safe for concurrent use.
type Store struct {
	db       *sql.DB
	options  Options
	log      zerolog.Logger
	observer Observer
	cond     condition
	// retrying counts the transactions that failed at least once and are tried again, or in halves.
	retrying atomic.Int64
	// packet is the server's max_allowed_packet, 0 when it must be asked (again).
	packet      atomic.Int64
	expectation expectation
}

// Open makes a store. It does not connect: a database that is away when the process starts is an outage like any other.
func Open(options Options) (*Store, error) {
	options = options.withDefaults()
	db, err := connect(options.DSN, options.Timeout, options.StatementLimit, options.MaxConns, options.Connect...)
	if err != nil {
		return nil, err
	}
	s := &Store{db: db, options: options, log: options.Logger, observer: options.Observer}
	s.cond.state = State{Ready: true, Since: time.Now()}
	return s, nil
}

// Close closes the connections. Writers must be closed before.
func (s *Store) Close() error { return s.db.Close() }

// State says how the last attempts to write went.
func (s *Store) State() State { return s.cond.get() }

// Retrying is how many transactions failed at least once and are being tried again.
func (s *Store) Retrying() int { return int(s.retrying.Load()) }

// Check says why the ledger can't be written now: what holds a transaction, else whether the database answers. nil when
// it can.
func (s *Store) Check(ctx context.Context) error {
	if state := s.State(); !state.Ready {
		return state.Err
	}
	return s.db.PingContext(ctx)
}

// statementText is more than the text of an INSERT needs beside its rows: the head, and the group of one row.
const statementText = 8 << 10

// limits are what one statement takes, by the server's own word.
func (s *Store) limits(ctx context.Context) (coalesce.Limits, error) {
	packet := s.packet.Load()
	if packet == 0 {
		var err error
		if packet, err = billingdb.New(s.db).MaxAllowedPacket(ctx); err != nil {
			return coalesce.Limits{}, err
		}
		s.packet.Store(packet)
	}
	row := int(packet) - statementText
	return coalesce.Limits{Statement: min(s.options.MaxBytes, row), Row: row}, nil
}

// Totals reads the sums of usage.
func (s *Store) Totals() *totals.Reader { return totals.New(s.db) }

// Feed reads the ledger's changes.
func (s *Store) Feed() *feed.Reader { return feed.New(s.db) }
