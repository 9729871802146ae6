// Package record owns the domain types that flow through the consumer: where an input came from (Origin), what one
// log entry became (Record or Reject), and what one message became as a whole (Unit). It holds data and no behaviour
// of the flow; the packages that make these values (pipeline) and store them (ledger) stay independent of each other.
package record

import (
	"time"

	"gateway-billing.internal/shared/billingkey"
)

// Origin says where a message was read: a RocketMQ queue, or a file (then Topic is empty and File is set).
type Origin struct {
	Topic string
	Tags  string
	// Keys is the message's RocketMQ KEYS property: static text of the logger's configuration, for search only.
	Keys string
	// MsgID is the broker's UNIQ_KEY, 32 hex digits. It changes whenever the logger sends a batch again.
	MsgID  string
	Broker string
	Queue  int
	Offset int64
	File   string
	// StoreTime is when the broker stored the message (UTC).
	StoreTime time.Time
}

// KeySource says where a billing key came from.
type KeySource string

// The sources of a billing key, the strongest first. KeyFromMsgID stands only on rows adopted from an older consumer.
const (
	KeyFromGateway     KeySource = "gateway"
	KeyFromStamp       KeySource = "stamp"
	KeyFromFingerprint KeySource = "fingerprint"
	KeyFromMsgID       KeySource = "msg_id"
)

// UsageState says how sure the counts of a record are.
type UsageState string

// The states of usage. Their rank (see Rank) decides which of two copies of one request is better.
const (
	UsageExact   UsageState = "exact"
	UsagePartial UsageState = "partial"
	UsageMissing UsageState = "missing"
	UsageNone    UsageState = "none"
)

// Rank orders the states: a copy of higher rank raises a stored record of lower rank.
func (s UsageState) Rank() int {
	switch s {
	case UsageExact:
		return 3
	case UsagePartial:
		return 2
	case UsageMissing:
		return 1
	default:
		return 0
	}
}

// UsageSource says where the counts were read.
type UsageSource string

// The places that counts are read from.
const (
	UsageFromBody       UsageSource = "body"
	UsageFromLLMSummary UsageSource = "llm_summary"
	UsageFromNone       UsageSource = "none"
)

// Quantity is an amount of something other than tokens. Amount is a decimal string, so that it stays exact.
type Quantity struct {
	Unit   string `json:"unit"`
	Amount string `json:"quantity"`
}

// Usage is what one request consumed, normalised: PromptTokens includes CachedTokens and CacheWriteTokens,
// CompletionTokens includes ReasoningTokens, TotalTokens = PromptTokens + CompletionTokens, nothing is negative.
// A count that is not known is 0 and State says so.
type Usage struct {
	State            UsageState
	Source           UsageSource
	PromptTokens     int64
	CompletionTokens int64
	TotalTokens      int64
	CachedTokens     int64
	CacheWriteTokens int64
	ReasoningTokens  int64
	AudioTokens      int64
	Quantities       []Quantity
	// EstimatedTokens stands apart from the counts and is nil unless estimation is switched on.
	EstimatedTokens *int64
	// Mismatch: the provider's own total, or a second source, disagrees with these counts.
	Mismatch bool
	// RawJSON is the provider's usage object as it stood in the answer; nil when there was none.
	RawJSON []byte
	// Model is the model that answered, else, but for a request that was refused, the one that was asked for, which is
	// ModelRequested. nil is unknown.
	Model              *string
	ModelRequested     *string
	ServiceTier        *string
	ProviderResponseID *string
	// Stream is nil when neither request nor answer tells.
	Stream *bool
}

// StampInfo is the runner's numbering in a stamp.
type StampInfo struct {
	Runner string
	Epoch  billingkey.Epoch
	// Sequence counts from 1 in its epoch.
	Sequence uint64
	// Verified is false for an unsealed stamp.
	Verified bool
	// PreviousEpoch is the runner's epoch before this one and PreviousLast its last number; zero when there was none.
	PreviousEpoch billingkey.Epoch
	PreviousLast  uint64
}

// Record is one usage record: one request, one row of the ledger. A nil pointer is a value that is not known; an empty
// string is a value that is known to be empty (an anonymous request, an unmatched route).
type Record struct {
	Origin     Origin
	EntryIndex int

	Key       billingkey.Key
	KeySource KeySource
	KeyState  billingkey.State
	// ClaimedKey is the key that a conflicting copy claimed; nil otherwise.
	ClaimedKey *billingkey.Key
	// Prints knows the record's fingerprint where it was not needed so far; see Fingerprint. nil: FingerprintKey and
	// Occurrence say it.
	Prints Fingerprinter
	// FingerprintKey is the key this record gets when its own turns out to be taken by another identity (a conflict).
	FingerprintKey billingkey.Key
	// Occurrence says how many equal entries stood in the message before this one: a fingerprint counts them.
	Occurrence uint64
	// RequestID is 32 lower-case hex digits, nil without a believed ID.
	RequestID      *string
	IdempotencyKey *string
	// Stamp is nil without a believed stamp.
	Stamp *StampInfo
	// Arrived is the stamp whose number has arrived with this entry, believed or not; nil without one.
	Arrived    *StampInfo
	Dimensions map[string]string

	Consumer  *string
	RouteID   *string
	ServiceID *string
	Method    *string
	URI       *string
	Status    *int
	ClientIP  *string
	// RequestSize and ResponseSize are bytes on the wire, as the gateway counted them.
	RequestSize  *int64
	ResponseSize *int64
	// RequestTime is when the gateway got the request (UTC, ms).
	RequestTime time.Time
	LatencyMS   *float64

	Usage Usage

	Billable       bool
	BillableReason string

	// Raw is the entry as it came, a part of the message body. Only a dead letter keeps it.
	Raw []byte
	// Body is what the ledger keeps of the entry, by the body policy. Valid UTF-8.
	Body string
	// Marks say what was cut, left out or doubted in this record, each a short code, sorted.
	Marks []string
}

// Fingerprinter gives fingerprints of the entries of one message, when they are needed.
type Fingerprinter interface {
	// Fingerprint gives FingerprintKey and Occurrence of the record with that EntryIndex.
	Fingerprint(entry int) (billingkey.Key, uint64)
}

// Fingerprint gives FingerprintKey and Occurrence, computed now where nobody needed them before.
func (r *Record) Fingerprint() (billingkey.Key, uint64) {
	if r.Prints == nil {
		return r.FingerprintKey, r.Occurrence
	}
	return r.Prints.Fingerprint(r.EntryIndex)
}

// Reject is an input that can't become a record: a dead letter with its reason.
type Reject struct {
	Origin Origin
	// EntryIndex is the place in its message, -1 for a message that could not be decoded at all.
	EntryIndex int
	// Reason is a code of the documented list (package deadletter); Detail names the field and place, never the content.
	Reason string
	Detail string
	// Key is the billing key, where one could be computed.
	Key *billingkey.Key
	// Arrived is the stamp whose number has arrived with this entry; nil without one.
	Arrived *StampInfo
	// Occurrence is as in Record. Where an entry could not be read so far, it counts those of the very same bytes.
	Occurrence uint64
	// Raw is the entry, or the whole message body when it could not be decoded.
	Raw []byte
	// Whole is set where Raw is only the beginning of what came.
	Whole *Whole
	// BodySHA256 is over the whole raw message body: with EntryIndex and Reason it makes the dead letter unique.
	BodySHA256 [32]byte
}

// Whole is the size of something that was too large to be kept in memory.
type Whole struct {
	Length int64
	SHA256 [32]byte
}

// Unit is what one message became: len(Records) + len(Rejects) is the number of its entries (1 for a message that could
// not be decoded). It is committed as a whole or not at all.
type Unit struct {
	// Body is the raw message body.
	Body    []byte
	Records []Record
	Rejects []Reject
}
