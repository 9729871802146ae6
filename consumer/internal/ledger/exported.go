package ledger

import (
	"encoding/hex"
	"time"

	"gateway-billing.internal/sql/billingdb"
)

// JSONText is text that is JSON, and stands in JSON as what it is.
type JSONText string

// MarshalJSON gives the text itself.
func (t JSONText) MarshalJSON() ([]byte, error) { return []byte(t), nil }

// UnmarshalJSON takes it.
func (t *JSONText) UnmarshalJSON(text []byte) error { *t = JSONText(text); return nil }

// Exported is a usage record for others to read: the ledger's columns under their names, all but the body, keys and hashes in
// hexadecimal. nil is not known.
type Exported struct {
	ID                 int64     `json:"id" parquet:"id"`
	BillingKey         string    `json:"billing_key" parquet:"billing_key"`
	Revision           int32     `json:"revision" parquet:"revision"`
	RequestTime        time.Time `json:"request_time" parquet:"request_time,timestamp(millisecond)"`
	KeySource          string    `json:"key_source" parquet:"key_source"`
	KeyState           string    `json:"key_state" parquet:"key_state"`
	ClaimedKey         *string   `json:"claimed_key" parquet:"claimed_key,optional"`
	RequestID          *string   `json:"request_id" parquet:"request_id,optional"`
	IdempotencyKey     *string   `json:"idempotency_key" parquet:"idempotency_key,optional"`
	RepeatOf           *string   `json:"repeat_of" parquet:"repeat_of,optional"`
	Consumer           *string   `json:"consumer" parquet:"consumer,optional"`
	RouteID            *string   `json:"route_id" parquet:"route_id,optional"`
	ServiceID          *string   `json:"service_id" parquet:"service_id,optional"`
	Method             *string   `json:"method" parquet:"method,optional"`
	URI                *string   `json:"uri" parquet:"uri,optional"`
	Status             *int32    `json:"status" parquet:"status,optional"`
	ClientIP           *string   `json:"client_ip" parquet:"client_ip,optional"`
	RequestSize        *int64    `json:"request_size" parquet:"request_size,optional"`
	ResponseSize       *int64    `json:"response_size" parquet:"response_size,optional"`
	LatencyMS          *float64  `json:"latency_ms" parquet:"latency_ms,optional"`
	Model              *string   `json:"model" parquet:"model,optional"`
	ModelRequested     *string   `json:"model_requested" parquet:"model_requested,optional"`
	ServiceTier        *string   `json:"service_tier" parquet:"service_tier,optional"`
	ProviderResponseID *string   `json:"provider_response_id" parquet:"provider_response_id,optional"`
	Stream             *bool     `json:"stream" parquet:"stream,optional"`
	PromptTokens       int64     `json:"prompt_tokens" parquet:"prompt_tokens"`
	CompletionTokens   int64     `json:"completion_tokens" parquet:"completion_tokens"`
	TotalTokens        int64     `json:"total_tokens" parquet:"total_tokens"`
	CachedTokens       int64     `json:"cached_tokens" parquet:"cached_tokens"`
	CacheWriteTokens   int64     `json:"cache_write_tokens" parquet:"cache_write_tokens"`
	ReasoningTokens    int64     `json:"reasoning_tokens" parquet:"reasoning_tokens"`
	AudioTokens        int64     `json:"audio_tokens" parquet:"audio_tokens"`
	// Quantities are an array of units and decimal strings.
	Quantities      *JSONText `json:"quantities" parquet:"quantities,optional"`
	EstimatedTokens *int64    `json:"estimated_tokens" parquet:"estimated_tokens,optional"`
	UsageState      string    `json:"usage_state" parquet:"usage_state"`
	UsageSource     string    `json:"usage_source" parquet:"usage_source"`
	UsageMismatch   bool      `json:"usage_mismatch" parquet:"usage_mismatch"`
	// UsageJSON is what the provider wrote, which may be no JSON that everybody reads.
	UsageJSON      *string `json:"usage_json" parquet:"usage_json,optional"`
	Billable       bool    `json:"billable" parquet:"billable"`
	BillableReason string  `json:"billable_reason" parquet:"billable_reason"`
	// Dimensions are an object of strings.
	Dimensions    *JSONText `json:"dimensions" parquet:"dimensions,optional"`
	Marks         string    `json:"marks" parquet:"marks"`
	Duplicates    int32     `json:"duplicates" parquet:"duplicates"`
	MsgID         string    `json:"msg_id" parquet:"msg_id"`
	Topic         string    `json:"topic" parquet:"topic"`
	Tags          *string   `json:"tags" parquet:"tags,optional"`
	MessageKeys   *string   `json:"message_keys" parquet:"message_keys,optional"`
	QueueID       *int32    `json:"queue_id" parquet:"queue_id,optional"`
	QueueOffset   *int64    `json:"queue_offset" parquet:"queue_offset,optional"`
	EntryIndex    int32     `json:"entry_index" parquet:"entry_index"`
	StampRunner   *string   `json:"stamp_runner" parquet:"stamp_runner,optional"`
	StampEpoch    *string   `json:"stamp_epoch" parquet:"stamp_epoch,optional"`
	StampSequence *uint64   `json:"stamp_sequence" parquet:"stamp_sequence,optional"`
	CreateTime    time.Time `json:"create_time" parquet:"create_time,timestamp(millisecond)"`
}

func exported(r *billingdb.ExportRecordsRow) Exported {
	return Exported{
		ID: r.ID, BillingKey: hex.EncodeToString(r.BillingKey), Revision: r.Revision, RequestTime: r.RequestTime,
		KeySource: r.KeySource, KeyState: r.KeyState, ClaimedKey: inHex(r.ClaimedKey), RequestID: r.RequestID,
		IdempotencyKey: r.IdempotencyKey, RepeatOf: inHex(r.RepeatOf), Consumer: r.Consumer, RouteID: r.RouteID,
		ServiceID: r.ServiceID, Method: r.Method, URI: r.URI, Status: r.Status, ClientIP: r.ClientIP,
		RequestSize: r.RequestSize, ResponseSize: r.ResponseSize, LatencyMS: r.LatencyMS, Model: r.Model,
		ModelRequested: r.ModelRequested, ServiceTier: r.ServiceTier, ProviderResponseID: r.ProviderResponseID,
		Stream: r.Stream, PromptTokens: r.PromptTokens, CompletionTokens: r.CompletionTokens, TotalTokens: r.TotalTokens,
		CachedTokens: r.CachedTokens, CacheWriteTokens: r.CacheWriteTokens, ReasoningTokens: r.ReasoningTokens,
		AudioTokens: r.AudioTokens, Quantities: (*JSONText)(r.Quantities), EstimatedTokens: r.EstimatedTokens,
		UsageState: r.UsageState, UsageSource: r.UsageSource, UsageMismatch: r.UsageMismatch, UsageJSON: r.UsageJSON,
		Billable: r.Billable, BillableReason: r.BillableReason, Dimensions: (*JSONText)(r.Dimensions), Marks: r.Marks,
		Duplicates: r.Duplicates, MsgID: r.MsgID, Topic: r.Topic, Tags: r.Tags, MessageKeys: r.MessageKeys,
		QueueID: r.QueueID, QueueOffset: r.QueueOffset, EntryIndex: r.EntryIndex, StampRunner: r.StampRunner,
		StampEpoch: inHex(r.StampEpoch), StampSequence: r.StampSequence, CreateTime: r.CreateTime,
	}
}

func inHex(b []byte) *string {
	if b == nil {
		return nil
	}
	text := hex.EncodeToString(b)
	return &text
}
