package ledger

import (
	"slices"

	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/sql/billingdb"
)

// arrivals collects the stamp numbers of a transaction. A number has arrived whatever became of its entry: duplicates
// and conflicts count too.
type arrivals map[arrival]*numbers

type arrival struct {
	runner   string
	epoch    billingkey.Epoch
	verified bool
}

type numbers struct {
	seen          []uint64
	previousEpoch billingkey.Epoch
	previousLast  uint64
}

func (a arrivals) add(s *record.StampInfo) {
	if s == nil {
		return
	}
	key := arrival{runner: s.Runner, epoch: s.Epoch, verified: s.Verified}
	n := a[key]
	if n == nil {
		n = &numbers{}
		a[key] = n
	}
	n.seen = append(n.seen, s.Sequence)
	if n.previousEpoch.IsZero() {
		n.previousEpoch, n.previousLast = s.PreviousEpoch, s.PreviousLast
	}
}

// rows are the numbers as ranges without gaps.
func (a arrivals) rows() []billingdb.InsertStampSeenParams {
	var all []billingdb.InsertStampSeenParams
	for key, n := range a {
		g := guard{}
		p := billingdb.InsertStampSeenParams{
			Runner: g.plain("", key.runner, 255), Epoch: key.epoch[:], Verified: key.verified, PreviousLast: n.previousLast,
		}
		if !n.previousEpoch.IsZero() {
			p.PreviousEpoch = n.previousEpoch[:]
		}
		slices.Sort(n.seen)
		for i, sequence := range n.seen {
			if i > 0 && sequence <= p.LastSequence+1 {
				p.LastSequence = sequence
				continue
			}
			if i > 0 {
				all = append(all, p)
			}
			p.FirstSequence, p.LastSequence = sequence, sequence
		}
		all = append(all, p)
	}
	return all
}
