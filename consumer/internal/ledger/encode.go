package ledger

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"gateway-billing.internal/consumer/internal/ledger/coalesce"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/sql/billingdb"
)

// row is a usage record as the table takes it.
type row = billingdb.InsertRecordParams

// errRequestTime is a record whose time the column can't hold.
var errRequestTime = errors.New("request_time: not between the years 1970 and 9999")

// encode turns a record into a row. Where the pipeline has cut what is too long already, this is the last guard: a text
// that only describes a request is cut with a mark; one that says who is billed is not, since cutting could join two.
func encode(r *record.Record) (row, error) {
	if y := r.RequestTime.UTC().Year(); y < 1970 || y > 9999 {
		return row{}, errRequestTime
	}
	g := guard{marks: r.Marks}
	u := &r.Usage
	p := row{
		BillingKey:         r.Key[:],
		KeySource:          string(r.KeySource),
		KeyState:           string(r.KeyState),
		RequestID:          r.RequestID,
		IdempotencyKey:     g.text("idempotency_key", r.IdempotencyKey, 256),
		MsgID:              g.plain("msg_id", r.Origin.MsgID, 64),
		Topic:              g.plain("topic", r.Origin.Topic, 128),
		Tags:               g.text("tags", known(r.Origin.Tags), 128),
		MessageKeys:        g.text("message_keys", known(r.Origin.Keys), 128),
		EntryIndex:         int32(r.EntryIndex),
		Consumer:           r.Consumer,
		RouteID:            r.RouteID,
		ServiceID:          g.text("service_id", r.ServiceID, 255),
		Method:             g.text("method", r.Method, 32),
		URI:                g.text("uri", r.URI, 2048),
		Status:             g.status(r.Status),
		ClientIP:           g.text("client_ip", r.ClientIP, 64),
		RequestSize:        r.RequestSize,
		ResponseSize:       r.ResponseSize,
		RequestTime:        r.RequestTime.UTC().Truncate(time.Millisecond), // the column would round
		LatencyMS:          g.finite("latency", r.LatencyMS),
		Model:              g.text("model", u.Model, 255),
		ModelRequested:     g.text("model_requested", u.ModelRequested, 255),
		ServiceTier:        g.text("service_tier", u.ServiceTier, 64),
		ProviderResponseID: g.text("provider_response_id", u.ProviderResponseID, 255),
		Stream:             u.Stream,
		PromptTokens:       u.PromptTokens,
		CompletionTokens:   u.CompletionTokens,
		TotalTokens:        u.TotalTokens,
		CachedTokens:       u.CachedTokens,
		CacheWriteTokens:   u.CacheWriteTokens,
		ReasoningTokens:    u.ReasoningTokens,
		AudioTokens:        u.AudioTokens,
		Quantities:         g.quantities(u.Quantities),
		EstimatedTokens:    u.EstimatedTokens,
		UsageState:         string(u.State),
		UsageSource:        string(u.Source),
		UsageMismatch:      u.Mismatch,
		Billable:           r.Billable,
		BillableReason:     g.plain("billable_reason", r.BillableReason, 64),
		Dimensions:         encodeDimensions(r.Dimensions),
		Body:               valid(r.Body),
	}
	if r.ClaimedKey != nil {
		p.ClaimedKey = r.ClaimedKey[:]
	}
	if r.Origin.File == "" {
		queue, offset := int32(r.Origin.Queue), r.Origin.Offset
		p.QueueID, p.QueueOffset = &queue, &offset
	}
	if u.RawJSON != nil {
		text := valid(string(u.RawJSON))
		p.UsageJSON = &text
	}
	if s := r.Stamp; s != nil {
		p.StampRunner = g.text("stamp_runner", &s.Runner, 255)
		p.StampEpoch = s.Epoch[:]
		p.StampSequence = &s.Sequence
	}
	p.Marks = joinMarks(g.marks)
	return p, nil
}

// otherTexts is more than a row needs beside its four long texts, all escaped.
const otherTexts = 64 << 10

// fit cuts what is longer than one statement takes, so that a long body never keeps a request from being recorded.
func fit(p *row, limits coalesce.Limits) {
	if len(p.Body) > maxBody {
		p.Body = cutAt(p.Body, maxBody)
		p.Marks = addMark(p.Marks, "cut:body")
	}
	room := limits.Row - otherTexts
	for _, t := range []*string{p.Dimensions, p.Quantities, p.UsageJSON} {
		if t != nil {
			room -= coalesce.Escaped(*t)
		}
	}
	if room < 0 && p.UsageJSON != nil {
		room += coalesce.Escaped(*p.UsageJSON)
		p.UsageJSON = nil
		p.Marks = addMark(p.Marks, markUsageCut)
	}
	if 2*len(p.Body) <= room || coalesce.Escaped(p.Body) <= room {
		return
	}
	p.Body = cutAt(p.Body, max(room, 0)/2)
	p.Marks = addMark(p.Marks, "cut:body")
}

// maxBody is what the column holds, a MEDIUMTEXT.
const maxBody = 1<<24 - 1

// cutAt is the longest beginning of s that has at most limit bytes and whole characters; s is longer.
func cutAt(s string, limit int) string {
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// encodeDimensions is a JSON object with its names sorted; nil without any.
func encodeDimensions(d map[string]string) *string {
	if len(d) == 0 {
		return nil
	}
	text, err := json.Marshal(d)
	if err != nil {
		panic(err) // a map of strings always encodes
	}
	s := string(text)
	return &s
}

// guard makes values fit their columns and remembers what it did as marks.
type guard struct{ marks []string }

func (g *guard) mark(m string) {
	if !slices.Contains(g.marks, m) {
		g.marks = append(slices.Clone(g.marks), m)
	}
}

func (g *guard) plain(column, s string, limit int) string {
	s = valid(s)
	if len(s) <= limit || utf8.RuneCountInString(s) <= limit {
		return s
	}
	g.mark("cut:" + column)
	return string([]rune(s)[:limit])
}

func (g *guard) text(column string, s *string, limit int) *string {
	if s == nil || len(*s) <= limit && utf8.ValidString(*s) {
		return s
	}
	cut := g.plain(column, *s, limit)
	return &cut
}

func (g *guard) status(status *int) *int32 {
	if status == nil {
		return nil
	}
	if *status < 0 || *status > math.MaxInt16 {
		g.mark("bad:status")
		return nil
	}
	n := int32(*status)
	return &n
}

func (g *guard) finite(column string, f *float64) *float64 {
	if f != nil && (math.IsNaN(*f) || math.IsInf(*f, 0)) {
		g.mark("bad:" + column)
		return nil
	}
	return f
}

// quantities keeps those whose amount the sums can hold, as a JSON array; nil without any.
func (g *guard) quantities(all []record.Quantity) *string {
	kept := make([]record.Quantity, 0, len(all))
	for _, q := range all {
		if _, ok := parseAmount(q.Amount); !ok || q.Unit == "" || utf8.RuneCountInString(q.Unit) > maxUnit {
			g.mark("bad:quantities")
			continue
		}
		kept = append(kept, q)
	}
	if len(kept) == 0 {
		return nil
	}
	text, err := json.Marshal(kept)
	if err != nil {
		panic(err) // strings always encode
	}
	s := string(text)
	return &s
}

// maxMarks is the width of the column.
const maxMarks = 1024

// joinMarks is the marks sorted, joined by commas, as many as the column holds.
func joinMarks(marks []string) string {
	joined := ""
	for _, m := range slices.Compact(slices.Sorted(slices.Values(marks))) {
		if next := strings.TrimPrefix(joined+","+valid(m), ","); len(next) <= maxMarks {
			joined = next
		}
	}
	return joined
}

func addMark(joined, mark string) string {
	if joined == "" {
		return mark
	}
	return joinMarks(append(strings.Split(joined, ","), mark))
}

func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// known is nil for a property that a message does not have.
func known(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
