package identity

import (
	"errors"
	"fmt"
	"time"

	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/shared/logentry"
)

// Identity is which request an entry is.
type Identity struct {
	Key       billingkey.Key
	KeySource record.KeySource
	KeyState  billingkey.State
	// RequestID is nil without a believed ID.
	RequestID *billingkey.RequestID
	// Stamp is the believed stamp, nil without one.
	Stamp *billingkey.Stamp
	// Arrived is the stamp whose number has arrived with this entry: the believed one, or one that opened and names the
	// request that the gateway confirms, whatever else speaks against it. A stamp of another request does not count: it
	// was copied from there, and its own entry may be lost.
	Arrived *billingkey.Stamp
	// ArrivedSealed is false where anybody could have made it.
	ArrivedSealed bool
	// Consumer is who is billed: the entry's own APISIX consumer, "" when anonymous; the stamp's where the entry has no
	// such field; nil when neither tells.
	Consumer *string
	// Start is the request's start time, UTC, ms.
	Start time.Time
	// Marks are the doubts that belong on the record.
	Marks []string
}

// Reasons why an entry has no identity. Resolve's error wraps one of them.
var (
	// ErrNoStartTime: the entry carries a request ID, but no time.
	ErrNoStartTime = errors.New("a request ID, but no start time")
	// ErrNoIdentity: the entry carries neither time nor ID.
	ErrNoIdentity = errors.New("neither a start time nor a request ID")
	// ErrBadStartTime: the time is not one of this century.
	ErrBadStartTime = errors.New("start time out of range")
)

// MarkAnonymousStamp marks an anonymous entry whose stamp names an APISIX consumer: the entry's word counts.
const MarkAnonymousStamp = "stamp_names_consumer"

// Start times that a gateway of this century can have written (2000-01-01 to 2100-01-01, ms). Beyond them the
// gateway's clock or its configuration is broken.
const (
	minStartMS = 946_684_800_000
	maxStartMS = 4_102_444_800_000
)

// Resolve decides which request the entry is. fingerprint gives the 16 bytes that stand in where there is no believed ID
// (see Fingerprints); it is called only then.
func Resolve(e *logentry.Entry, keys *billingkey.KeySet, rules Rules, fingerprint func() [16]byte) (Identity, error) {
	rules = rules.at(e.StartMS)
	id := Identity{Consumer: e.Consumer}
	gatewayID, confirmed := gatewayID(e)

	stamp, state := open(e, keys, gatewayID, confirmed)
	if stamp != nil {
		if doubt := judge(e, stamp, state, rules, gatewayID, confirmed); doubt != "" {
			if doubt == billingkey.ConsumerMismatch && *e.Consumer == "" {
				id.Marks = append(id.Marks, MarkAnonymousStamp)
			}
			if doubt != billingkey.IDMismatch && confirmed {
				id.Arrived, id.ArrivedSealed = stamp, state == billingkey.Verified
			}
			stamp, state = nil, doubt
		} else {
			id.Arrived, id.ArrivedSealed = stamp, state == billingkey.Verified
		}
	}
	if stamp == nil && state == billingkey.Absent && e.Billing != nil && e.Billing.RequestID != "" && !confirmed {
		state = billingkey.IDMalformed
	}
	id.KeyState, id.Stamp = state, stamp

	var identity [16]byte
	switch {
	case confirmed:
		id.KeySource, id.RequestID, identity = record.KeyFromGateway, &gatewayID, gatewayID
	case stamp != nil:
		id.KeySource, id.RequestID, identity = record.KeyFromStamp, &stamp.RequestID, stamp.RequestID
	default:
		id.KeySource, identity = record.KeyFromFingerprint, fingerprint()
	}
	// A stamp without a name leaves it open: the runner may stand where authentication has not run yet.
	if id.Consumer == nil && stamp != nil && stamp.Consumer != "" {
		id.Consumer = &stamp.Consumer
	}

	switch {
	case e.StartMS == nil && id.RequestID != nil:
		return id, ErrNoStartTime
	case e.StartMS == nil:
		return id, ErrNoIdentity
	case *e.StartMS < minStartMS || *e.StartMS >= maxStartMS:
		return id, ErrBadStartTime
	}
	id.Start = time.UnixMilli(*e.StartMS).UTC()
	key, err := billingkey.NewKey(*e.StartMS, identity)
	if err != nil {
		return id, fmt.Errorf("%w: %w", ErrBadStartTime, err)
	}
	id.Key = key
	return id, nil
}

// gatewayID is the request ID of the billing object, if it is one.
func gatewayID(e *logentry.Entry) (billingkey.RequestID, bool) {
	if e.Billing == nil {
		return billingkey.RequestID{}, false
	}
	id, err := billingkey.ParseRequestID(e.Billing.RequestID)
	return id, err == nil
}
