// Package inspect owns the output of `billing-consumer inspect`: one JSON line for each entry of a message body, with
// what run would make of it. It needs no server.
package inspect

import (
	"encoding/json"
	"io"

	"gateway-billing.internal/consumer/internal/pipeline"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/shared/billingkey"
)

// timeFormat is RFC 3339 with the 3 decimals that the ledger keeps.
const timeFormat = "2006-01-02T15:04:05.000Z07:00"

// line is one entry. The members behind Detail are the ledger's columns by their names, null where there is nothing, or
// where only the ledger can know (id, batch_id, …).
type line struct {
	EntryIndex int     `json:"entry_index"`
	Outcome    string  `json:"outcome"`
	Reason     *string `json:"reason"`
	Detail     *string `json:"detail"`

	BillingKey         *string             `json:"billing_key"`
	KeySource          *record.KeySource   `json:"key_source"`
	KeyState           *billingkey.State   `json:"key_state"`
	ClaimedKey         *string             `json:"claimed_key"`
	RequestID          *string             `json:"request_id"`
	IdempotencyKey     *string             `json:"idempotency_key"`
	RepeatOf           *string             `json:"repeat_of"`
	Consumer           *string             `json:"consumer"`
	RouteID            *string             `json:"route_id"`
	ServiceID          *string             `json:"service_id"`
	Method             *string             `json:"method"`
	URI                *string             `json:"uri"`
	Status             *int                `json:"status"`
	ClientIP           *string             `json:"client_ip"`
	RequestSize        *int64              `json:"request_size"`
	ResponseSize       *int64              `json:"response_size"`
	Model              *string             `json:"model"`
	ModelRequested     *string             `json:"model_requested"`
	ServiceTier        *string             `json:"service_tier"`
	ProviderResponseID *string             `json:"provider_response_id"`
	Stream             *bool               `json:"stream"`
	PromptTokens       *int64              `json:"prompt_tokens"`
	CompletionTokens   *int64              `json:"completion_tokens"`
	TotalTokens        *int64              `json:"total_tokens"`
	CachedTokens       *int64              `json:"cached_tokens"`
	CacheWriteTokens   *int64              `json:"cache_write_tokens"`
	ReasoningTokens    *int64              `json:"reasoning_tokens"`
	AudioTokens        *int64              `json:"audio_tokens"`
	Quantities         []record.Quantity   `json:"quantities"`
	EstimatedTokens    *int64              `json:"estimated_tokens"`
	UsageState         *record.UsageState  `json:"usage_state"`
	UsageSource        *record.UsageSource `json:"usage_source"`
	UsageMismatch      *bool               `json:"usage_mismatch"`
	UsageJSON          json.RawMessage     `json:"usage_json"`
	Billable           *bool               `json:"billable"`
	BillableReason     *string             `json:"billable_reason"`
	Dimensions         map[string]string   `json:"dimensions"`
	RequestTime        *string             `json:"request_time"`
	LatencyMS          *float64            `json:"latency_ms"`
	StampRunner        *string             `json:"stamp_runner"`
	StampEpoch         *string             `json:"stamp_epoch"`
	StampSequence      *uint64             `json:"stamp_sequence"`
	Marks              []string            `json:"marks"`
	Body               *string             `json:"body"`

	MsgID       *string `json:"msg_id"`
	Topic       *string `json:"topic"`
	Tags        *string `json:"tags"`
	MessageKeys *string `json:"message_keys"`
	QueueID     *int    `json:"queue_id"`
	QueueOffset *int64  `json:"queue_offset"`

	ID         *int64  `json:"id"`
	BatchID    *string `json:"batch_id"`
	Duplicates *int64  `json:"duplicates"`
	Revision   *int64  `json:"revision"`
	CreateTime *string `json:"create_time"`
}

// Write prints what d makes of one message body, in the order of its entries.
func Write(w io.Writer, d *pipeline.Deriver, body []byte) error {
	unit := d.Unit(record.Origin{}, body)
	lines := make([]line, 0, len(unit.Records)+len(unit.Rejects))
	records, rejects := unit.Records, unit.Rejects
	for len(records)+len(rejects) > 0 {
		if len(rejects) == 0 || len(records) > 0 && records[0].EntryIndex < rejects[0].EntryIndex {
			lines = append(lines, fromRecord(&records[0]))
			records = records[1:]
		} else {
			lines = append(lines, fromReject(&rejects[0]))
			rejects = rejects[1:]
		}
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for i := range lines {
		if err := enc.Encode(&lines[i]); err != nil {
			return err
		}
	}
	return nil
}

func fromReject(r *record.Reject) line {
	l := line{EntryIndex: r.EntryIndex, Outcome: "reject", Reason: &r.Reason, Detail: &r.Detail}
	if r.Key != nil {
		l.BillingKey = new(r.Key.String())
	}
	return l
}

func fromRecord(r *record.Record) line {
	u := &r.Usage
	l := line{
		EntryIndex: r.EntryIndex, Outcome: "record",
		BillingKey: new(r.Key.String()), KeySource: &r.KeySource, KeyState: &r.KeyState,
		RequestID: r.RequestID, IdempotencyKey: r.IdempotencyKey,
		Consumer: r.Consumer, RouteID: r.RouteID, ServiceID: r.ServiceID,
		Method: r.Method, URI: r.URI, Status: r.Status, ClientIP: r.ClientIP,
		RequestSize: r.RequestSize, ResponseSize: r.ResponseSize,
		Model: u.Model, ModelRequested: u.ModelRequested, ServiceTier: u.ServiceTier, ProviderResponseID: u.ProviderResponseID,
		Stream: u.Stream, PromptTokens: &u.PromptTokens, CompletionTokens: &u.CompletionTokens, TotalTokens: &u.TotalTokens,
		CachedTokens: &u.CachedTokens, CacheWriteTokens: &u.CacheWriteTokens, ReasoningTokens: &u.ReasoningTokens,
		AudioTokens: &u.AudioTokens, Quantities: u.Quantities, EstimatedTokens: u.EstimatedTokens,
		UsageState: &u.State, UsageSource: &u.Source, UsageMismatch: &u.Mismatch, UsageJSON: u.RawJSON,
		Billable: &r.Billable, BillableReason: &r.BillableReason, Dimensions: r.Dimensions,
		RequestTime: new(r.RequestTime.UTC().Format(timeFormat)), LatencyMS: r.LatencyMS,
		Marks: r.Marks, Body: &r.Body,
	}
	if r.ClaimedKey != nil {
		l.ClaimedKey = new(r.ClaimedKey.String())
	}
	if s := r.Stamp; s != nil {
		l.StampRunner, l.StampEpoch, l.StampSequence = &s.Runner, new(s.Epoch.String()), &s.Sequence
	}
	return l
}
