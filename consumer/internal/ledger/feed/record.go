package feed

import (
	"time"

	"gateway-billing.internal/sql/billingdb"
)

// Record is a usage record as it stands in the ledger. A nil pointer is not known; the columns' meaning is the ledger's.
type Record struct {
	BillingKey         []byte
	Revision           int32
	KeySource          string
	KeyState           string
	ClaimedKey         []byte // nil but for a conflict
	RequestID          *string
	IdempotencyKey     *string
	RepeatOf           []byte // nil but for a repeat
	Consumer           *string
	RouteID            *string
	ServiceID          *string
	Method             *string
	URI                *string
	Status             *int32
	RequestTime        time.Time
	LatencyMS          *float64
	Model              *string
	ModelRequested     *string
	ServiceTier        *string
	ProviderResponseID *string
	Stream             *bool
	PromptTokens       int64
	CompletionTokens   int64
	TotalTokens        int64
	CachedTokens       int64
	CacheWriteTokens   int64
	ReasoningTokens    int64
	AudioTokens        int64
	Quantities         *string // JSON
	EstimatedTokens    *int64
	UsageState         string
	UsageSource        string
	UsageMismatch      bool
	Billable           bool
	BillableReason     string
	Dimensions         *string // JSON
	Marks              string  // joined by commas
	Duplicates         int32
}

// Provenance is where a record comes from.
type Provenance struct {
	MsgID         string
	Topic         string
	Tags          *string
	MessageKeys   *string
	QueueID       *int32
	QueueOffset   *int64
	EntryIndex    int32
	ClientIP      *string
	RequestSize   *int64
	ResponseSize  *int64
	UsageJSON     *string // the provider's own usage object, as it wrote it
	StampRunner   *string
	StampEpoch    []byte
	StampSequence *uint64
	CreateTime    time.Time
}

// Detail is a record with its provenance.
type Detail struct {
	Record
	Provenance
}

func recordOf(r *billingdb.RecordsOfChangesRow) Record {
	return Record{
		BillingKey: r.BillingKey, Revision: r.Revision, KeySource: r.KeySource, KeyState: r.KeyState,
		ClaimedKey: r.ClaimedKey, RequestID: r.RequestID, IdempotencyKey: r.IdempotencyKey, RepeatOf: r.RepeatOf,
		Consumer: r.Consumer, RouteID: r.RouteID, ServiceID: r.ServiceID, Method: r.Method, URI: r.URI, Status: r.Status,
		RequestTime: r.RequestTime, LatencyMS: r.LatencyMS, Model: r.Model, ModelRequested: r.ModelRequested,
		ServiceTier: r.ServiceTier, ProviderResponseID: r.ProviderResponseID, Stream: r.Stream,
		PromptTokens: r.PromptTokens, CompletionTokens: r.CompletionTokens, TotalTokens: r.TotalTokens,
		CachedTokens: r.CachedTokens, CacheWriteTokens: r.CacheWriteTokens, ReasoningTokens: r.ReasoningTokens,
		AudioTokens: r.AudioTokens, Quantities: r.Quantities, EstimatedTokens: r.EstimatedTokens,
		UsageState: r.UsageState, UsageSource: r.UsageSource, UsageMismatch: r.UsageMismatch, Billable: r.Billable,
		BillableReason: r.BillableReason, Dimensions: r.Dimensions, Marks: r.Marks, Duplicates: r.Duplicates,
	}
}

func detailOf(r *billingdb.RecordsOfRequestRow) Detail {
	return Detail{
		Record: recordOf(&billingdb.RecordsOfChangesRow{
			BillingKey: r.BillingKey, Revision: r.Revision, KeySource: r.KeySource, KeyState: r.KeyState,
			ClaimedKey: r.ClaimedKey, RequestID: r.RequestID, IdempotencyKey: r.IdempotencyKey, RepeatOf: r.RepeatOf,
			Consumer: r.Consumer, RouteID: r.RouteID, ServiceID: r.ServiceID, Method: r.Method, URI: r.URI, Status: r.Status,
			RequestTime: r.RequestTime, LatencyMS: r.LatencyMS, Model: r.Model, ModelRequested: r.ModelRequested,
			ServiceTier: r.ServiceTier, ProviderResponseID: r.ProviderResponseID, Stream: r.Stream,
			PromptTokens: r.PromptTokens, CompletionTokens: r.CompletionTokens, TotalTokens: r.TotalTokens,
			CachedTokens: r.CachedTokens, CacheWriteTokens: r.CacheWriteTokens, ReasoningTokens: r.ReasoningTokens,
			AudioTokens: r.AudioTokens, Quantities: r.Quantities, EstimatedTokens: r.EstimatedTokens,
			UsageState: r.UsageState, UsageSource: r.UsageSource, UsageMismatch: r.UsageMismatch, Billable: r.Billable,
			BillableReason: r.BillableReason, Dimensions: r.Dimensions, Marks: r.Marks, Duplicates: r.Duplicates,
		}),
		Provenance: Provenance{
			MsgID: r.MsgID, Topic: r.Topic, Tags: r.Tags, MessageKeys: r.MessageKeys, QueueID: r.QueueID,
			QueueOffset: r.QueueOffset, EntryIndex: r.EntryIndex, ClientIP: r.ClientIP, RequestSize: r.RequestSize,
			ResponseSize: r.ResponseSize, UsageJSON: r.UsageJSON, StampRunner: r.StampRunner, StampEpoch: r.StampEpoch,
			StampSequence: r.StampSequence, CreateTime: r.CreateTime,
		},
	}
}
