package ledger

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/shared/billingkey"
)

// claimID names an idempotency key of one APISIX consumer on one route.
type claimID [sha256.Size]byte

// claimRules say when two requests with one idempotency key are one order.
type claimRules struct {
	window       time.Duration
	absorbTokens bool
}

// reasonRepeat is the billable_reason of a request that repeats an order which another request is billed for.
const reasonRepeat = record.NotBillableRepeat

// byPolicy says whether policy makes the record billable: a repeat would be, if it were no repeat.
func byPolicy(f *figures) bool { return f.Billable || f.BillableReason == reasonRepeat }

// claimOf is the claim of a record, false where it has none. What decides must be known and can then not change any
// more, so a record has one claim for life. The key must be the gateway's word for the request: a key out of a stamp
// alone may belong to a stamp that was sent again, and would make requests free. Who is anonymous shares keys with
// everybody, and tokens that were consumed are billed, unless they are to be absorbed.
func (r claimRules) claimOf(f *figures) (claimID, bool) {
	if f.IdempotencyKey == nil || f.KeySource != string(record.KeyFromGateway) || f.Consumer == nil || *f.Consumer == "" ||
		f.RouteID == nil || f.Status == nil || !byPolicy(f) ||
		consumed(f) && !r.absorbTokens {
		return claimID{}, false
	}
	h := sha256.New()
	for _, s := range []string{*f.Consumer, *f.RouteID, *f.IdempotencyKey} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(s))))
		h.Write([]byte(s))
	}
	return claimID(h.Sum(nil)), true
}

// consumed says whether a request consumed anything that is metered beside the request itself, or may have for all that
// is known. The usage of a route that is metered by requests is exact without any.
func consumed(f *figures) bool {
	switch record.UsageState(f.UsageState) {
	case record.UsageNone:
		return false
	case record.UsageExact:
		return f.TotalTokens > 0 || f.Quantities != nil
	default:
		return true
	}
}

// claimant is a row of this transaction, new or changed, that a claim concerns.
type claimant struct {
	fig *figures
	new bool
	// gone: it claims nothing any more, since a copy that knows better shows that policy does not bill it.
	gone bool
}

// succeeded says whether the claimant's request did.
func (c *claimant) succeeded() bool { return *c.fig.Status < 400 }

// claimants collects the rows whose claims a transaction settles.
type claimants struct {
	byClaim map[claimID][]*claimant
	// freed are repeats that are none any more, since better usage shows that they consumed tokens; each with what policy
	// makes of the copy that showed it.
	freed []freed
}

type freed struct {
	fig      *figures
	billable bool
	reason   string
}

// added is told of a new row.
func (c *claimants) added(f *figures, rules claimRules) {
	if id, ok := rules.claimOf(f); ok {
		c.add(id, &claimant{fig: f, new: true})
	}
}

// changed is told of a row that was raised by a copy (nil for none) or filled in.
func (c *claimants) changed(had, now *figures, by *candidate, rules claimRules) {
	was, before := rules.claimOf(had)
	id, after := rules.claimOf(now)
	switch {
	case after && !before:
		c.add(id, &claimant{fig: now})
	case before && !after && by != nil && now.BillableReason == reasonRepeat:
		c.freed = append(c.freed, freed{now, by.fig.Billable, by.fig.BillableReason})
	case before && !byPolicy(now):
		c.add(was, &claimant{fig: now, gone: true})
	}
}

func (c *claimants) add(id claimID, who *claimant) {
	if c.byClaim == nil {
		c.byClaim = map[claimID][]*claimant{}
	}
	c.byClaim[id] = append(c.byClaim[id], who)
}

// ids are the claims in the order in which every transaction locks them. Those who claim the same come in the order of
// their right to it: who succeeded, then who came first.
func (c *claimants) ids() []claimID {
	ids := make([]claimID, 0, len(c.byClaim))
	for id, all := range c.byClaim {
		ids = append(ids, id)
		slices.SortFunc(all, func(a, b *claimant) int {
			if a.succeeded() != b.succeeded() {
				if a.succeeded() {
					return -1
				}
				return 1
			}
			return cmp.Or(a.fig.RequestTime.Compare(b.fig.RequestTime), bytes.Compare(a.fig.BillingKey, b.fig.BillingKey))
		})
	}
	slices.SortFunc(ids, func(a, b claimID) int { return bytes.Compare(a[:], b[:]) })
	return ids
}

// holder is who holds a claim.
type holder struct {
	key     billingkey.Key
	time    time.Time
	success bool
}

// givenUp is a claim that its holder no longer holds: whoever comes next lies so far from it that it is another order.
func (h holder) givenUp() holder { return holder{key: h.key, time: time.Unix(0, 0).UTC()} }

// holding is the claimant as a holder.
func (c *claimant) holding() holder {
	return holder{billingkey.Key(c.fig.BillingKey), c.fig.RequestTime, c.succeeded()}
}

// fate is what a claim makes of one who claims it.
type fate int

const (
	// fateRepeat: another request is billed for the order.
	fateRepeat fate = iota
	// fateTakes: it succeeded where the holder had failed, so it is billed in the holder's place.
	fateTakes
	// fateOther: it lies so far from the holder that it is an order of its own; a later one holds the claim from now on.
	fateOther
)

func (r claimRules) judge(held holder, who *claimant) fate {
	switch apart := who.fig.RequestTime.Sub(held.time).Abs(); {
	case apart > r.window:
		return fateOther
	case who.succeeded() && !held.success:
		return fateTakes
	default:
		return fateRepeat
	}
}
