package ledger

import (
	"crypto/sha256"
	"encoding/binary"

	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/shared/billingkey"
)

// result is what became of one record.
type result uint8

const (
	recorded result = iota
	duplicate
	conflict
)

// candidate is one record on its way into the ledger. One attempt to commit it sets key, moved, result and raised; the
// next begins with reset.
type candidate struct {
	rec *record.Record
	row row
	fig figures

	key    billingkey.Key
	moved  bool // to another key than its own: a conflict
	result result
	raised bool
}

func newCandidate(r *record.Record) (*candidate, error) {
	p, err := encode(r)
	if err != nil {
		return nil, err
	}
	return &candidate{rec: r, row: p, fig: figuresOf(&p)}, nil
}

func (c *candidate) reset() {
	c.key, c.moved, c.result, c.raised = c.rec.Key, false, recorded, false
}

// move gives the candidate the next key after another request was found under its present one: first its fingerprint,
// then keys derived from the one before and from all that tells this request from others. They are a pure function of
// the entry, so a copy of the same entry takes the same way and is a duplicate at its end.
func (c *candidate) move() {
	fingerprint, _ := c.rec.Fingerprint()
	if !c.moved && fingerprint != c.key && fingerprint != (billingkey.Key{}) {
		c.key = fingerprint
	} else {
		c.key = nextKey(c.key, &c.fig)
	}
	c.moved = true
}

func nextKey(from billingkey.Key, f *figures) billingkey.Key {
	h := sha256.New()
	h.Write(from[:])
	for _, s := range []*string{f.Consumer, f.RouteID, f.ClientIP, f.Method, path(f.URI)} {
		if s == nil {
			h.Write([]byte{0})
			continue
		}
		h.Write(binary.BigEndian.AppendUint64([]byte{1}, uint64(len(*s))))
		h.Write([]byte(*s))
	}
	next := from // the time in front stays
	copy(next[6:], h.Sum(nil))
	return next
}

// insertRow is the row under the candidate's present key.
func (c *candidate) insertRow() row {
	p := c.row
	p.BillingKey = c.key[:]
	if c.moved {
		p.KeySource = string(record.KeyFromFingerprint)
		p.KeyState = string(billingkey.Conflict)
		p.ClaimedKey = c.rec.Key[:]
	}
	return p
}
