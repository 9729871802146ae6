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
