package ledger

import (
	"crypto/sha256"

	"gateway-billing.internal/consumer/internal/deadletter"
	"gateway-billing.internal/consumer/internal/record"
)

// Outcome is what became of one message: Entries = Recorded + Duplicate + Conflict + Rejected.
type Outcome struct {
	Entries int `json:"entries"`
	// Recorded are new usage records under their own key.
	Recorded int `json:"recorded"`
	// Duplicate are copies of requests that are recorded already.
	Duplicate int `json:"duplicate"`
	// Conflict are new usage records whose key another request holds, recorded under another one.
	Conflict int `json:"conflict"`
	// Rejected are dead letters, those that the database refused included.
	Rejected int `json:"rejected"`
	// Raised are those of the duplicates that brought better usage or missing names.
	Raised int `json:"raised"`
}

// item is one entry of a message on its way: a candidate, or a reject.
type item struct {
	unit      *record.Unit
	owner     *Outcome
	candidate *candidate
	reject    *record.Reject
}

// itemsOf are the entries of a unit; a record that can't be encoded is a reject.
func itemsOf(u *record.Unit, owner *Outcome) []*item {
	items := make([]*item, 0, len(u.Records)+len(u.Rejects))
	for i := range u.Records {
		it := &item{unit: u, owner: owner}
		c, err := newCandidate(&u.Records[i])
		if err != nil {
			it.reject = rejectOf(u, &u.Records[i], deadletter.BadValue("request_time"), err.Error())
		} else {
			it.candidate = c
		}
		items = append(items, it)
	}
	for i := range u.Rejects {
		items = append(items, &item{unit: u, owner: owner, reject: &u.Rejects[i]})
	}
	return items
}

// rejectOf is the dead letter of a record of u that is itself at fault.
func rejectOf(u *record.Unit, r *record.Record, reason, detail string) *record.Reject {
	key := r.Key
	_, occurrence := r.Fingerprint()
	return &record.Reject{
		Origin: r.Origin, EntryIndex: r.EntryIndex, Reason: reason, Detail: detail, Key: &key, Occurrence: occurrence, Arrived: r.Arrived,
		Raw: r.Raw, BodySHA256: sha256.Sum256(u.Body),
	}
}

// settle counts what became of the item once its transaction is committed.
func (it *item) settle() {
	o := it.owner
	o.Entries++
	if it.reject != nil {
		o.Rejected++
		return
	}
	switch it.candidate.result {
	case recorded:
		o.Recorded++
	case duplicate:
		o.Duplicate++
	case conflict:
		o.Conflict++
	}
	if it.candidate.raised {
		o.Raised++
	}
}

// bytes is roughly what the item brings into a transaction.
func (it *item) bytes() int {
	const others = 1 << 10
	if it.reject != nil {
		return others + len(it.reject.Raw)
	}
	n := others + len(it.candidate.row.Body)
	if raw := it.candidate.row.UsageJSON; raw != nil {
		n += len(*raw)
	}
	return n
}

// withoutTexts is the item without the texts that clients and upstreams chose, but for the idempotency key: without it
// the statements would be others.
func (it *item) withoutTexts() *item {
	if it.candidate == nil {
		bare := *it.reject
		bare.Raw = nil
		return &item{reject: &bare}
	}
	bare := *it.candidate
	p := &bare.row
	p.Body, p.UsageJSON, p.URI, p.Method, p.Model, p.ModelRequested = "", nil, nil, nil, nil, nil
	p.ServiceTier, p.ProviderResponseID, p.Quantities, p.Dimensions = nil, nil, nil, nil
	return &item{candidate: &bare}
}
