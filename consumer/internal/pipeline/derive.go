package pipeline

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"

	"gateway-billing.internal/consumer/internal/deadletter"
	"gateway-billing.internal/consumer/internal/identity"
	"gateway-billing.internal/consumer/internal/policy"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/consumer/internal/redact"
	"gateway-billing.internal/consumer/internal/usage"
	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/shared/logentry"
)

// Deriver turns message bodies into units. It is safe for concurrent use.
type Deriver struct {
	// Keys opens stamps until ReplaceKeys gives others; never nil.
	Keys  *billingkey.KeySet
	Rules identity.Rules
	Body  *redact.Redactor
	// Policy is what the operator says per route; empty for the defaults.
	Policy policy.Policy

	replaced atomic.Pointer[billingkey.KeySet]
}

// ReplaceKeys gives other keys to the entries that are derived from now on. It may be called while others are.
func (d *Deriver) ReplaceKeys(keys *billingkey.KeySet) { d.replaced.Store(keys) }

// keys are those that open stamps now.
func (d *Deriver) keys() *billingkey.KeySet {
	if keys := d.replaced.Load(); keys != nil {
		return keys
	}
	return d.Keys
}

// Unit is what a message body becomes: each of its entries a record or a reject, a body that holds none one reject.
func (d *Deriver) Unit(origin record.Origin, body []byte) record.Unit {
	unit := record.Unit{Body: body}
	parts, err := logentry.Split(body)
	if err != nil {
		unit.Rejects = []record.Reject{{Origin: origin, EntryIndex: -1, Reason: splitReason(err), Detail: err.Error(), Raw: body}}
	}
	prints := &prints{parts: parts}
	if len(parts) > 1 {
		unit.Records = make([]record.Record, 0, len(parts))
	}
	var unread map[[sha256.Size]byte]uint64
	for i, raw := range parts {
		rec, reject := d.entry(prints, i, raw)
		if reject != nil {
			if reject.Key == nil {
				if unread == nil {
					unread = map[[sha256.Size]byte]uint64{}
				}
				same := sha256.Sum256(raw)
				reject.Occurrence = unread[same]
				unread[same]++
			}
			reject.Origin, reject.EntryIndex, reject.Raw = origin, i, raw
			unit.Rejects = append(unit.Rejects, *reject)
			continue
		}
		rec.Origin, rec.EntryIndex, rec.Raw = origin, i, raw
		unit.Records = append(unit.Records, *rec)
	}
	if len(unit.Rejects) > 0 {
		sum := sha256.Sum256(body)
		for i := range unit.Rejects {
			unit.Rejects[i].BodySHA256 = sum
		}
	}
	return unit
}

// entry derives one entry: exactly one of its results is not nil. A panic is that entry's reject; the others of its
// message go on.
func (d *Deriver) entry(prints *prints, place int, raw json.RawMessage) (rec *record.Record, reject *record.Reject) {
	// Once they are known.
	var e *logentry.Entry
	var key *billingkey.Key
	var arrived *record.StampInfo
	defer func() {
		if p := recover(); p != nil {
			// The value may hold content of the entry; its type says enough to find the place with the raw bytes.
			rec, reject = nil, &record.Reject{Reason: deadletter.ReasonPanic, Detail: fmt.Sprintf("panic of type %T", p)}
		}
		if reject != nil {
			reject.Key, reject.Arrived = key, arrived
			if key != nil {
				reject.Occurrence = prints.at(place, e).ordinal
			}
		}
	}()
	e, err := logentry.Decode(raw)
	if err != nil {
		if e != nil {
			id, _ := identity.Resolve(e, d.keys(), d.Rules, func() (none [16]byte) { return none })
			arrived = stampInfo(id.Arrived, id.ArrivedSealed)
		}
		return nil, decodeReject(err)
	}
	id, err := identity.Resolve(e, d.keys(), d.Rules, func() [16]byte { return prints.at(place, e).fingerprint })
	arrived = stampInfo(id.Arrived, id.ArrivedSealed)
	if err != nil {
		return nil, identityReject(err)
	}
	key = &id.Key
	rule := d.Policy.For(e)
	rec, err = build(e, id, usage.Extract(e, rule.Provider), rule, d.Body)
	if err != nil {
		return nil, decodeReject(err)
	}
	rec.Arrived = arrived
	rec.Prints = prints
	rec.Body = d.Body.Entry(raw)
	return rec, nil
}

func splitReason(err error) string {
	switch {
	case errors.Is(err, logentry.ErrEmpty):
		return deadletter.ReasonEmpty
	case errors.Is(err, logentry.ErrTooMany):
		return deadletter.ReasonTooMany
	case errors.Is(err, logentry.ErrNotEntry):
		return deadletter.ReasonNotAnEntry
	default:
		return deadletter.ReasonNotJSON
	}
}

// decodeReject is the reject of an entry that can't be read: not an object, or a bad member.
func decodeReject(err error) *record.Reject {
	if field, ok := errors.AsType[*logentry.FieldError](err); ok {
		return &record.Reject{Reason: deadletter.BadValue(field.Field), Detail: field.Error()}
	}
	return &record.Reject{Reason: deadletter.ReasonNotAnEntry, Detail: err.Error()}
}

func identityReject(err error) *record.Reject {
	switch {
	case errors.Is(err, identity.ErrNoStartTime):
		return &record.Reject{Reason: deadletter.ReasonNoStartTime, Detail: "the entry carries a request ID, but no start time"}
	case errors.Is(err, identity.ErrNoIdentity):
		return &record.Reject{Reason: deadletter.ReasonNoIdentity, Detail: "the entry carries neither a start time nor a request ID"}
	default: // ErrBadStartTime
		return &record.Reject{Reason: deadletter.BadValue("start_time"), Detail: "start_time: not between the years 2000 and 2100"}
	}
}
