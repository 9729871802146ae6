package ledger

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"gateway-billing.internal/consumer/internal/chaospoint"
	"gateway-billing.internal/consumer/internal/deadletter"
	"gateway-billing.internal/consumer/internal/ledger/coalesce"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/sql/billingdb"
)

// batchID names one attempt at a transaction. It tells the rows that this attempt inserted from those that were there.
type batchID [16]byte

// transaction is one attempt to commit a set of records and rejects.
type transaction struct {
	tx     *sql.Tx
	q      *billingdb.Queries
	limits coalesce.Limits
	id     batchID
	// earlier are the attempts at these same records whose commit may have succeeded without an answer: their rows are
	// new too, but counted already.
	earlier map[batchID]bool
	// written are the keys inserted by this transaction so far.
	written map[billingkey.Key]bool
	sums    sums
	rules   claimRules
	claims  claimants
	// looks: rows that are there are looked up before the insert. met: some were there.
	looks, met bool
	// changeID is the change that this transaction is to those who follow the ledger, 0 until it changes a record.
	changeID int64
}

// errOutside is a failure before or after the statements of a transaction: none of them can be to blame.
var errOutside = errors.New("transaction")

// transact makes one attempt. earlier gets the attempt's ID if its commit failed, since it may have succeeded.
func (s *Store) transact(ctx context.Context, items []*item, earlier map[batchID]bool) error {
	limits, err := s.limits(ctx)
	if err != nil {
		return fmt.Errorf("%w: max_allowed_packet: %w", errOutside, err)
	}
	tx, err := s.db.BeginTx(ctx, nil) // READ COMMITTED: see session
	if err != nil {
		return fmt.Errorf("%w: begin: %w", errOutside, err)
	}
	defer tx.Rollback()
	t := s.newTransaction(tx, limits, earlier)
	if err := t.rejectPruned(ctx, items); err != nil {
		return fmt.Errorf("%w: horizon: %w", errOutside, err)
	}
	if err := t.write(ctx, items); err != nil {
		return err
	}
	chaospoint.Reach(chaospoint.BeforeCommit)
	if err := tx.Commit(); err != nil {
		earlier[t.id] = true
		return fmt.Errorf("%w: commit: %w", errOutside, err)
	}
	s.expectation.learn(t.met)
	return nil
}

func (s *Store) newTransaction(tx *sql.Tx, limits coalesce.Limits, earlier map[batchID]bool) *transaction {
	t := &transaction{
		tx: tx, q: billingdb.New(tx), limits: limits, earlier: earlier, written: map[billingkey.Key]bool{},
		rules: claimRules{window: s.options.IdempotencyWindow, absorbTokens: s.options.AbsorbTokens},
		looks: s.expectation.repeats(),
	}
	rand.Read(t.id[:])
	return t
}

// write does everything but the commit.
func (t *transaction) write(ctx context.Context, items []*item) error {
	var candidates []*candidate
	var rejects []record.Reject
	seen := arrivals{}
	for _, it := range items {
		if it.reject != nil {
			rejects = append(rejects, *it.reject)
			seen.add(it.reject.Arrived)
			continue
		}
		it.candidate.reset()
		candidates = append(candidates, it.candidate)
		seen.add(it.candidate.rec.Arrived)
	}
	if err := t.records(ctx, candidates); err != nil {
		return err
	}
	if err := t.settleClaims(ctx); err != nil {
		return fmt.Errorf("idempotency claims: %w", err)
	}
	if err := deadletter.Insert(ctx, t.tx, t.limits, rejects); err != nil {
		return err
	}
	if err := t.insertSums(ctx); err != nil {
		return fmt.Errorf("usage deltas: %w", err)
	}
	if err := t.insertArrivals(ctx, seen); err != nil {
		return fmt.Errorf("stamp numbers: %w", err)
	}
	return nil
}

// maxRounds bounds the keys that one conflict may try. The second is a fingerprint, those after it are hashes of all
// that tells a request apart, so a third is rare and more is a fault.
const maxRounds = 6

var errRounds = errors.New("no key left for a conflict")

// records writes the candidates, in rounds: those that prove to be conflicts go on with another key.
func (t *transaction) records(ctx context.Context, candidates []*candidate) error {
	for range maxRounds {
		if len(candidates) == 0 {
			return nil
		}
		moved, err := t.round(ctx, candidates)
		if err != nil {
			return fmt.Errorf("records: %w", err)
		}
		candidates = moved
	}
	if len(candidates) > 0 {
		return errRounds
	}
	return nil
}

// round inserts one row a key and classifies. It returns the conflicts, each under its next key.
func (t *transaction) round(ctx context.Context, candidates []*candidate) (moved []*candidate, err error) {
	groups := gather(candidates)
	var stored map[billingkey.Key]*figures
	if t.looks {
		if stored, err = t.lookUp(ctx, groups); err != nil {
			return nil, err
		}
	}
	batch := coalesce.New(t.tx, t.limits)
	q := billingdb.New(batch)
	sent, written := int64(0), false
	news := make([]fresh, len(groups))
	for i, g := range groups {
		if t.written[g.key] {
			written = true // by an earlier round: it is there to be compared with
			continue
		}
		have := stored[g.key]
		if have != nil && !t.earlier[batchID(have.BatchID)] {
			continue
		}
		p, copies, others := g.merge()
		p.BatchID = t.id[:]
		fit(&p, t.limits)
		news[i] = fresh{fig: figuresOf(&p), copies: copies, others: others}
		if have != nil {
			continue
		}
		if p.ChangeID, err = t.change(ctx); err != nil {
			return nil, err
		}
		if err := q.InsertRecord(ctx, p); err != nil {
			return nil, err
		}
		sent++
	}
	inserted, err := batch.Flush(ctx)
	if err != nil {
		return nil, err
	}
	t.met = t.met || len(stored) > 0 || inserted < sent
	if inserted < sent || written {
		if stored, err = t.read(ctx, groups); err != nil {
			return nil, err
		}
	}
	var met encounters
	for i, g := range groups {
		have := stored[g.key]
		ours := have == nil || batchID(have.BatchID) == t.id
		switch {
		case !t.written[g.key] && ours:
			t.sums.add(&news[i].fig)
			t.claims.added(&news[i].fig, t.rules)
			fallthrough
		case !t.written[g.key] && t.earlier[batchID(idOf(have))]:
			t.written[g.key] = true
			moved = append(moved, news[i].settle(g)...)
		default:
			others, err := t.meet(ctx, g, have, &met)
			if err != nil {
				return nil, err
			}
			moved = append(moved, others...)
		}
	}
	if err := met.count(ctx, t.q); err != nil {
		return nil, err
	}
	for _, c := range moved {
		c.move()
	}
	return moved, nil
}

func idOf(f *figures) []byte {
	if f == nil {
		return make([]byte, len(batchID{}))
	}
	return f.BatchID
}

// fresh is a group whose row may prove to be new.
type fresh struct {
	fig            figures
	copies, others []*candidate
}

// settle says what became of the members of a group whose row is new, and returns the conflicts.
func (f *fresh) settle(g *group) []*candidate {
	if g.members[0].moved {
		g.members[0].result = conflict
	}
	for _, c := range f.copies {
		c.result = duplicate
	}
	return f.others
}

// gather groups the candidates by key, the keys in order: two transactions that hold the same keys then wait for each
// other instead of deadlocking.
func gather(candidates []*candidate) []*group {
	byKey := make(map[billingkey.Key]*group, len(candidates))
	groups := make([]*group, 0, len(candidates))
	for _, c := range candidates {
		g := byKey[c.key]
		if g == nil {
			g = &group{key: c.key}
			byKey[c.key] = g
			groups = append(groups, g)
		}
		g.members = append(g.members, c)
	}
	slices.SortFunc(groups, func(a, b *group) int { return bytes.Compare(a.key[:], b.key[:]) })
	return groups
}

// lookUp finds and locks the rows of the groups' keys that are there already. They need not be sent then, and an INSERT
// that meets a row leaves more locked than that row: on MariaDB the end of the primary key, where everybody inserts.
func (t *transaction) lookUp(ctx context.Context, groups []*group) (map[billingkey.Key]*figures, error) {
	rows, err := t.q.LockRecords(ctx, keysOf(groups))
	if err != nil {
		return nil, fmt.Errorf("look up: %w", err)
	}
	stored := make(map[billingkey.Key]*figures, len(rows))
	for i := range rows {
		f := figures(rows[i])
		stored[billingkey.Key(f.BillingKey)] = &f
	}
	return stored, nil
}

func keysOf(groups []*group) [][]byte {
	keys := make([][]byte, len(groups))
	for i, g := range groups {
		keys[i] = g.key[:]
	}
	return keys
}

// read reads the rows of the groups' keys, all of which are there and locked by now.
func (t *transaction) read(ctx context.Context, groups []*group) (map[billingkey.Key]*figures, error) {
	rows, err := t.q.StoredRecords(ctx, keysOf(groups))
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	stored := make(map[billingkey.Key]*figures, len(rows))
	for i := range rows {
		stored[billingkey.Key(rows[i].BillingKey)] = &rows[i]
	}
	for _, g := range groups {
		if stored[g.key] == nil {
			return nil, fmt.Errorf("read: the row of key %s is gone", g.key)
		}
	}
	return stored, nil
}

func (t *transaction) insertSums(ctx context.Context) error {
	rows := t.sums.rows()
	batch := coalesce.New(t.tx, t.limits)
	q := billingdb.New(batch)
	for _, p := range rows {
		if err := q.InsertUsageDelta(ctx, p); err != nil {
			return err
		}
	}
	_, err := batch.Flush(ctx)
	return err
}

func (t *transaction) insertArrivals(ctx context.Context, seen arrivals) error {
	rows := seen.rows()
	slices.SortFunc(rows, func(a, b billingdb.InsertStampSeenParams) int {
		return cmp.Or(cmp.Compare(a.Runner, b.Runner), cmp.Compare(a.FirstSequence, b.FirstSequence))
	})
	batch := coalesce.New(t.tx, t.limits)
	q := billingdb.New(batch)
	for _, p := range rows {
		if err := q.InsertStampSeen(ctx, p); err != nil {
			return err
		}
	}
	_, err := batch.Flush(ctx)
	return err
}
