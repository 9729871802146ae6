package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"gateway-billing.internal/consumer/internal/deadletter"
	"gateway-billing.internal/consumer/internal/ledger/coalesce"
	"gateway-billing.internal/sql/billingdb"
)

const (
	minBackoff = 50 * time.Millisecond
	maxBackoff = 5 * time.Second
	// maxHurried is how many attempts are made without calling it an outage, where the server does answer.
	maxHurried = 10
	// pingLimit is how soon a server must answer to count as there.
	pingLimit = 2 * time.Second
	// A statement that broke its connection while the server answers is suspected after suspectBreaks times: the
	// transaction is halved. What is alone is blamed after blameBreaks times and as many more as there are proofs, each
	// that the server takes a statement of the same size, and takes this one without its texts: else it is the network
	// that loses what is large, or long answers, or every other connection.
	suspectBreaks = 2
	blameBreaks   = 4
	proofs        = 4
)

// commit commits the items and settles them; the error is the context's. Whatever fails is retried in place; only an
// item that is itself the cause leaves, as a dead letter. earlier are attempts at these items that may have succeeded.
func (s *Store) commit(ctx context.Context, items []*item, earlier map[batchID]bool) error {
	start := time.Now()
	backoff, breaks, hurried, asked := minBackoff, 0, 0, false
	retrying := false
	defer func() {
		if retrying {
			s.retrying.Add(-1)
		}
	}()
	for {
		err := s.transact(ctx, items, earlier)
		if err == nil {
			s.committed(items, start)
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		f := classify(err)
		s.observer.Retried(string(f))
		if !retrying {
			retrying = true
			s.retrying.Add(1)
		}
		hurry := false // an attempt that need not wait for the server to come back
		switch f {
		case faultSize:
			if len(items) > 1 {
				return s.halve(ctx, items, earlier)
			}
			// One record alone is too much for a transaction: a setting of the server, which people mend.
		case faultStatement:
			if s.packet.Swap(0) != 0 && !asked {
				asked = true // the server's limit may be another by now
				continue
			}
			if len(items) > 1 {
				return s.halve(ctx, items, earlier)
			}
			if lighten(items[0], err) {
				continue
			}
			// A dead letter that the database refuses even without its raw bytes is held: nothing is left to take away.
		case faultOutage:
			s.packet.Store(0) // another server may answer next
		case faultContention:
			hurry = true
		case faultLost:
			s.packet.Store(0)
			if hurry = s.answers(ctx); !hurry {
				breaks = 0
				break
			}
			if breaks++; breaks >= suspectBreaks && len(items) > 1 {
				return s.halve(ctx, items, earlier)
			}
			if breaks >= blameBreaks {
				if !s.takesItsSize(ctx, items[0]) || !s.passesWithoutTexts(ctx, items[0]) {
					breaks = suspectBreaks
				} else if breaks >= blameBreaks+proofs && lighten(items[0], err) {
					breaks = 0
					continue
				}
			}
		}
		if hurry && hurried < maxHurried {
			hurried++
			err = pause(ctx, minBackoff)
		} else {
			s.hold(f, err)
			err = pause(ctx, backoff)
			backoff = min(2*backoff, maxBackoff)
		}
		if err != nil {
			return err
		}
	}
}

// committed notes a success.
func (s *Store) committed(items []*item, start time.Time) {
	s.observer.Committed(len(items), time.Since(start))
	if held := s.cond.ready(); held > 0 {
		s.log.Info().Dur("held", held).Msg("ledger: the database takes records again")
	}
	for _, it := range items {
		it.settle()
	}
}

// halve commits the two halves by themselves, so that the item at fault ends up alone.
func (s *Store) halve(ctx context.Context, items []*item, earlier map[batchID]bool) error {
	half := len(items) / 2
	// Each with attempts of its own: what one half commits is not the other's.
	if err := s.commit(ctx, items[:half], maps.Clone(earlier)); err != nil {
		return err
	}
	return s.commit(ctx, items[half:], maps.Clone(earlier))
}

// hold notes an outage, and logs its beginning.
func (s *Store) hold(f fault, err error) {
	err = withoutContent(err)
	if s.cond.hold(f, err) {
		s.log.Warn().Err(err).Str("fault", string(f)).Msg("ledger: the database takes no records; holding them and trying again")
	}
}

// lighten takes from an item that is alone with its fault what may be the fault: a record becomes a dead letter, a dead
// letter loses its raw bytes. False when nothing is left to take.
func lighten(it *item, cause error) bool {
	if it.candidate == nil {
		if len(it.reject.Raw) == 0 {
			return false
		}
		bare := *it.reject
		bare.Detail += fmt.Sprintf("; its %d raw bytes are left out: %s", len(bare.Raw), detail(cause))
		bare.Raw = nil
		it.reject = &bare
		return true
	}
	reason := deadletter.ReasonPoison
	if errors.Is(cause, coalesce.ErrTooLarge) {
		reason = deadletter.ReasonTooLarge
	}
	it.reject = rejectOf(it.unit, it.candidate.rec, reason, detail(cause))
	it.candidate = nil
	return true
}

// detail says what the database refused, without the server's message, which may repeat content.
func detail(cause error) string {
	if e, ok := errors.AsType[*mysql.MySQLError](cause); ok {
		return fmt.Sprintf("the database refuses it: error %d", e.Number)
	}
	if errors.Is(cause, coalesce.ErrTooLarge) {
		return cause.Error()
	}
	return "it breaks the connection to the database each time"
}

// answers says whether the server answers at once.
func (s *Store) answers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, pingLimit)
	defer cancel()
	return s.db.PingContext(ctx) == nil
}

// takesItsSize says whether a statement as large as the item's goes through when it carries nothing of the item.
func (s *Store) takesItsSize(ctx context.Context, it *item) bool {
	size := 2 * it.bytes() // raw bytes may all be escaped
	if it.candidate != nil {
		size = otherTexts + coalesce.Escaped(it.candidate.row.Body)
	}
	limits, err := s.limits(ctx)
	if err != nil {
		return false
	}
	filler := strings.Repeat("x", min(size, limits.Row))
	_, err = billingdb.New(s.db).TakesBytes(ctx, filler)
	return err == nil
}

// passesWithoutTexts says whether the database takes the item without the texts that clients and upstreams chose: the
// same statements for the same key, with the same answers, so that only the texts can make the difference. Nothing of it
// is committed.
func (s *Store) passesWithoutTexts(ctx context.Context, it *item) bool {
	limits, err := s.limits(ctx)
	if err != nil {
		return false
	}
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return false
	}
	defer tx.Rollback()
	t := s.newTransaction(tx, limits, map[batchID]bool{})
	return t.write(ctx, []*item{it.withoutTexts()}) == nil
}

// pause waits half of d to all of it, so that many do not come back at once; the error is the context's.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d/2 + rand.N(d/2+1)) //nolint:gosec // jitter is no secret
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// again tries what another transaction was in the way of.
func again(ctx context.Context, do func() error) error {
	for hurried := 0; ; hurried++ {
		err := do()
		if err == nil || hurried == maxHurried || classify(err) != faultContention {
			return err
		}
		if err := pause(ctx, minBackoff); err != nil {
			return err
		}
	}
}
