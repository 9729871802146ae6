package pipeline

import (
	"slices"
	"time"

	"gateway-billing.internal/consumer/internal/identity"
	"gateway-billing.internal/consumer/internal/policy"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/consumer/internal/redact"
	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/shared/logentry"
)

// The most characters that the ledger keeps of a text. What a client or an upstream chose is cut there with a mark;
// a name that only the gateway chooses is refused, since cutting it could join two of them.
const (
	maxName       = 255
	maxMethod     = 32
	maxURI        = 2048
	maxClientIP   = 64
	maxUsageJSON  = 16 << 10 // bytes
	maxMarks      = 16
	maxMarkLength = 48
)

// build puts one record together. The error is a *logentry.FieldError of a name that does not fit.
func build(e *logentry.Entry, id identity.Identity, u record.Usage, rule *policy.Rule, body *redact.Redactor) (*record.Record, error) {
	for _, name := range []struct {
		field string
		value *string
	}{{"route_id", e.RouteID}, {"consumer.username", id.Consumer}} {
		if name.value != nil && longer(*name.value, maxName) {
			return nil, &logentry.FieldError{Field: name.field, Problem: "longer than 255 characters"}
		}
	}
	cut := cutter{marks: id.Marks}
	for _, field := range e.Doubts {
		cut.mark("bad:" + field)
	}
	uri := e.URI
	if uri != nil {
		uri = new(body.URI(*uri))
	}
	if len(u.RawJSON) > maxUsageJSON {
		u.RawJSON = nil
		cut.mark("cut:usage_json")
	}
	u.Model = cut.text("model", u.Model, maxName)
	u.ModelRequested = cut.text("model_requested", u.ModelRequested, maxName)
	u.ServiceTier = cut.text("service_tier", u.ServiceTier, maxMethod)
	u.ProviderResponseID = cut.text("provider_response_id", u.ProviderResponseID, maxName)

	rec := &record.Record{
		Key:          id.Key,
		KeySource:    id.KeySource,
		KeyState:     id.KeyState,
		Consumer:     id.Consumer,
		RouteID:      e.RouteID,
		ServiceID:    cut.text("service_id", e.ServiceID, maxName),
		Method:       cut.text("method", e.Method, maxMethod),
		URI:          cut.text("uri", uri, maxURI),
		Status:       e.Status,
		ClientIP:     cut.text("client_ip", e.ClientIP, maxClientIP),
		RequestSize:  cut.count("request_size", e.RequestSize),
		ResponseSize: cut.count("response_size", e.ResponseSize),
		RequestTime:  id.Start,
		LatencyMS:    cut.latency(e.LatencyMS),
		Usage:        u,
	}
	if id.RequestID != nil {
		rec.RequestID = new(id.RequestID.String())
	}
	if id.Stamp != nil {
		takeStamp(rec, id.Stamp, id.KeyState)
		if id.Stamp.DimensionsCut { // by the runner: not all of them fit into the stamp
			cut.mark("cut:dimensions")
		}
	}
	for _, mark := range rule.Apply(e, rec) {
		cut.mark(mark)
	}
	slices.Sort(cut.marks)
	rec.Marks = cut.marks
	return rec, nil
}

// takeStamp puts what only a believed stamp knows onto the record.
func takeStamp(rec *record.Record, stamp *billingkey.Stamp, state billingkey.State) {
	verified := state == billingkey.Verified
	rec.Stamp = stampInfo(stamp, verified)
	rec.Dimensions = stamp.Dimensions
	if verified && stamp.IdempotencyKey != "" {
		rec.IdempotencyKey = &stamp.IdempotencyKey
	}
}

// stampInfo is the numbering of a stamp, nil for none.
func stampInfo(stamp *billingkey.Stamp, verified bool) *record.StampInfo {
	if stamp == nil {
		return nil
	}
	return &record.StampInfo{
		Runner:        stamp.Runner,
		Epoch:         stamp.Epoch,
		Sequence:      stamp.Sequence,
		Verified:      verified,
		PreviousEpoch: stamp.PreviousEpoch,
		PreviousLast:  stamp.PreviousLast,
	}
}

// cutter cuts what is too long or out of range and remembers it as marks.
type cutter struct{ marks []string }

func (c *cutter) mark(mark string) {
	if len(mark) > maxMarkLength {
		mark = mark[:maxMarkLength]
	}
	if len(c.marks) < maxMarks && !slices.Contains(c.marks, mark) {
		c.marks = append(c.marks, mark)
	}
}

func (c *cutter) text(field string, s *string, limit int) *string {
	if s == nil || !longer(*s, limit) {
		return s
	}
	c.mark("cut:" + field)
	return new(string([]rune(*s)[:limit]))
}

func (c *cutter) count(field string, n *int64) *int64 {
	if n != nil && *n < 0 {
		c.mark("bad:" + field)
		return nil
	}
	return n
}

// maxLatency is far above any request and fits the column.
const maxLatency = float64(366 * 24 * time.Hour / time.Millisecond)

func (c *cutter) latency(ms *float64) *float64 {
	if ms != nil && (*ms < 0 || *ms > maxLatency) {
		c.mark("bad:latency")
		return nil
	}
	return ms
}

// longer says whether s has more than limit characters.
func longer(s string, limit int) bool {
	return len(s) > limit && len([]rune(s)) > limit
}
