package api

import (
	"encoding/hex"
	"net/http"
	"time"

	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/ledger/feed"
)

// recordView is the document's Record: the names are those of ledger.Exported.
type recordView struct {
	BillingKey         string           `json:"billing_key"`
	Revision           int32            `json:"revision"`
	RequestTime        time.Time        `json:"request_time"`
	KeySource          string           `json:"key_source"`
	KeyState           string           `json:"key_state"`
	ClaimedKey         *string          `json:"claimed_key"`
	RequestID          *string          `json:"request_id"`
	IdempotencyKey     *string          `json:"idempotency_key"`
	RepeatOf           *string          `json:"repeat_of"`
	Consumer           *string          `json:"consumer"`
	RouteID            *string          `json:"route_id"`
	ServiceID          *string          `json:"service_id"`
	Method             *string          `json:"method"`
	URI                *string          `json:"uri"`
	Status             *int32           `json:"status"`
	LatencyMS          *float64         `json:"latency_ms"`
	Model              *string          `json:"model"`
	ModelRequested     *string          `json:"model_requested"`
	ServiceTier        *string          `json:"service_tier"`
	ProviderResponseID *string          `json:"provider_response_id"`
	Stream             *bool            `json:"stream"`
	PromptTokens       int64            `json:"prompt_tokens"`
	CompletionTokens   int64            `json:"completion_tokens"`
	TotalTokens        int64            `json:"total_tokens"`
	CachedTokens       int64            `json:"cached_tokens"`
	CacheWriteTokens   int64            `json:"cache_write_tokens"`
	ReasoningTokens    int64            `json:"reasoning_tokens"`
	AudioTokens        int64            `json:"audio_tokens"`
	Quantities         *ledger.JSONText `json:"quantities"`
	EstimatedTokens    *int64           `json:"estimated_tokens"`
	UsageState         string           `json:"usage_state"`
	UsageSource        string           `json:"usage_source"`
	UsageMismatch      bool             `json:"usage_mismatch"`
	Billable           bool             `json:"billable"`
	BillableReason     string           `json:"billable_reason"`
	Dimensions         *ledger.JSONText `json:"dimensions"`
	Marks              string           `json:"marks"`
	Duplicates         int32            `json:"duplicates"`
}

func recordOf(r *feed.Record) *recordView {
	return &recordView{
		BillingKey: hex.EncodeToString(r.BillingKey), Revision: r.Revision, RequestTime: r.RequestTime, KeySource: r.KeySource,
		KeyState: r.KeyState, ClaimedKey: inHex(r.ClaimedKey), RequestID: r.RequestID, IdempotencyKey: r.IdempotencyKey,
		RepeatOf: inHex(r.RepeatOf), Consumer: r.Consumer, RouteID: r.RouteID, ServiceID: r.ServiceID, Method: r.Method,
		URI: r.URI, Status: r.Status, LatencyMS: r.LatencyMS, Model: r.Model, ModelRequested: r.ModelRequested,
		ServiceTier: r.ServiceTier, ProviderResponseID: r.ProviderResponseID, Stream: r.Stream, PromptTokens: r.PromptTokens,
		CompletionTokens: r.CompletionTokens, TotalTokens: r.TotalTokens, CachedTokens: r.CachedTokens,
		CacheWriteTokens: r.CacheWriteTokens, ReasoningTokens: r.ReasoningTokens, AudioTokens: r.AudioTokens,
		Quantities: (*ledger.JSONText)(r.Quantities), EstimatedTokens: r.EstimatedTokens, UsageState: r.UsageState,
		UsageSource: r.UsageSource, UsageMismatch: r.UsageMismatch, Billable: r.Billable, BillableReason: r.BillableReason,
		Dimensions: (*ledger.JSONText)(r.Dimensions), Marks: r.Marks, Duplicates: r.Duplicates,
	}
}

func inHex(b []byte) *string {
	if b == nil {
		return nil
	}
	return new(hex.EncodeToString(b))
}

// records answers with all records of one request that the caller may see.
func (s *Server) records(c *call) error {
	id, err := hex.DecodeString(c.r.PathValue("id"))
	if err != nil || len(id) != 16 && len(id) != 22 || hex.EncodeToString(id) != c.r.PathValue("id") {
		c.fail("id", "must be a request ID of 32 or a billing key of 44 hexadecimal digits, in lower case")
		return c.invalid()
	}
	all, err := s.options.Store.RecordsOf(c.r.Context(), id)
	if err != nil {
		return err
	}
	answer := struct {
		Records []ledger.Exported `json:"records"`
	}{}
	for _, r := range all {
		if c.grant.Sees(r.Consumer) {
			answer.Records = append(answer.Records, r)
		}
	}
	if len(answer.Records) == 0 {
		return plain(http.StatusNotFound, "there is no record of such a request")
	}
	return c.answer(answer)
}
