package ledger_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"gateway-billing.internal/consumer/internal/identity"
	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/ledger/coalesce"
	"gateway-billing.internal/consumer/internal/meter"
	"gateway-billing.internal/consumer/internal/pipeline"
	"gateway-billing.internal/consumer/internal/policy"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/consumer/internal/redact"
	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/shared/logentry"
	"gateway-billing.internal/sql/billingdb"
)

func flowDeriver(t testing.TB) *pipeline.Deriver {
	t.Helper()
	keys, err := billingkey.ParseKeys("")
	if err != nil {
		t.Fatal(err)
	}
	return &pipeline.Deriver{
		Keys: keys, Rules: identity.Rules{Tolerance: time.Second, AllowUnsealed: true},
		Body: redact.New(redact.Redacted, nil, nil), Policy: policy.Policy{{BytesPerToken: 4}},
	}
}

// hostile is what clients, upstreams and a broken gateway can put into an entry.
type hostile struct {
	text, body     string // text stands wherever the gateway repeats somebody's words
	status         int
	start          int64
	latency        float64
	payload        []byte // of an unsealed stamp
	copies, format uint8
}

// message is a message of a few entries made of it, with all bytes as they are.
func (h *hostile) message() []byte {
	quoted := func(s string) string {
		escaped := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\x00", `\u0000`).Replace(s)
		return `"` + strings.Map(func(r rune) rune {
			if r < ' ' {
				return '?'
			}
			return r
		}, escaped) + `"`
	}
	id := hex.EncodeToString(append(h.payload[:min(len(h.payload), 17)], make([]byte, 17)...)[1:17])
	stamp := "v0." + base64.RawURLEncoding.EncodeToString(h.payload)
	text, body := quoted(h.text), quoted(h.body)
	entry := fmt.Sprintf(`{"billing":{"request_id":"%s","stamp":%s},"route_id":%s,"service_id":%s,"client_ip":%s,"start_time":%d,"latency":%g,`+
		`"request":{"method":%s,"uri":%s,"size":%d,"headers":{"host":%s,"x":[%s,"%s"]},"body":%s},`+
		`"response":{"status":%d,"size":%d,"headers":{"content-type":%s},"body":%s}}`,
		id, quoted(stamp), text, text, text, h.start, h.latency, text, text, h.status, text, text, stamp, body, h.status, h.start, text, body)
	if h.format%2 == 1 {
		entry = fmt.Sprintf(`{"billing_request_id":"%s","billing_stamp":%s,"route_id":%s,"msec":%g,"request_time":%s,"status":"%d","uri":%s,`+
			`"resp_body":%s,"llm_summary":{"model":%s,"prompt_tokens":%d,"total_tokens":%g}}`,
			id, quoted(stamp+", "+h.text), text, float64(h.start)/1000, quoted(fmt.Sprint(h.latency)), h.status, text, body, text, h.start, h.latency)
	}
	entries := strings.Repeat(entry+",", int(h.copies%4)) + entry
	return []byte("[" + entries + "]")
}

// hostiles are the seeds.
func hostiles() []hostile {
	// The fixed part of a payload: version, request ID, source and time, epoch, sequence; then the runner.
	payload := append([]byte{1}, make([]byte, 16)...)
	payload = append(payload, 1, 0x01, 0xa2, 0x06, 0x9a, 0x9b, 0xc1)
	payload = append(payload, make([]byte, 14)...)
	payload = append(payload, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0, 2, 'g', 'w')
	const start = 1795347865715
	return []hostile{
		{"/v1", `{"model":"m","usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}`, 200, start, 2.5, payload, 0, 0},
		{strings.Repeat("ü", 3000), `{"usage":{"prompt_tokens":9223372036854775807,"completion_tokens":9223372036854775807}}`, 200, start, 1, payload, 2, 0},
		{"a\x00b\xff\xfe", `{"usage":{"prompt_tokens":-5,"total_tokens":1e400}}`, -7, start, -1, nil, 3, 1},
		{strings.Repeat(`"`, 9000), strings.Repeat("[", 5000), 99999, start, 1e300, []byte("v0"), 1, 0},
		{"", `data: {"usage":{"prompt_tokens":1}}` + "\n\ndata: [DONE]\n\n", 0, 253402300800000, 0, payload[:20], 0, 1},
		{strings.Repeat("\U0001F600", 300), strings.Repeat(`\u0000`, 300), 200, start, math.MaxFloat64, payload, 1, 1},
	}
}

// widths are the columns of text, in characters.
func widths(p *billingdb.InsertRecordParams) map[string]struct {
	text *string
	most int
} {
	type column = struct {
		text *string
		most int
	}
	return map[string]column{
		"key_source": {&p.KeySource, 16}, "key_state": {&p.KeyState, 24}, "request_id": {p.RequestID, 32},
		"idempotency_key": {p.IdempotencyKey, 256}, "msg_id": {&p.MsgID, 64}, "topic": {&p.Topic, 128}, "tags": {p.Tags, 128},
		"message_keys": {p.MessageKeys, 128}, "consumer": {p.Consumer, 255}, "route_id": {p.RouteID, 255}, "service_id": {p.ServiceID, 255},
		"method": {p.Method, 32}, "uri": {p.URI, 2048}, "client_ip": {p.ClientIP, 64}, "model": {p.Model, 255},
		"model_requested": {p.ModelRequested, 255}, "service_tier": {p.ServiceTier, 64}, "provider_response_id": {p.ProviderResponseID, 255},
		"quantities": {p.Quantities, 1 << 22}, "usage_state": {&p.UsageState, 16}, "usage_source": {&p.UsageSource, 16},
		"usage_json": {p.UsageJSON, 1 << 22}, "billable_reason": {&p.BillableReason, 64}, "dimensions": {p.Dimensions, 1<<16 - 1},
		"stamp_runner": {p.StampRunner, 255}, "marks": {&p.Marks, 1024}, "body": {&p.Body, 1 << 22},
	}
}

// checkFits fails where a row would not fit the table.
func checkFits(t *testing.T, p *billingdb.InsertRecordParams) {
	t.Helper()
	for column, c := range widths(p) {
		if c.text != nil && (!utf8.ValidString(*c.text) || utf8.RuneCountInString(*c.text) > c.most) {
			t.Errorf("%s: %d bytes do not fit", column, len(*c.text))
		}
	}
	for _, n := range []int64{p.PromptTokens, p.CompletionTokens, p.TotalTokens, p.CachedTokens, p.CacheWriteTokens, p.ReasoningTokens, p.AudioTokens} {
		if n < 0 {
			t.Errorf("a negative count: %+v", p)
		}
	}
	if p.TotalTokens != p.PromptTokens+p.CompletionTokens {
		t.Errorf("%d tokens of %d and %d", p.TotalTokens, p.PromptTokens, p.CompletionTokens)
	}
	if p.LatencyMS != nil && (math.IsNaN(*p.LatencyMS) || math.IsInf(*p.LatencyMS, 0)) {
		t.Errorf("latency %v", *p.LatencyMS)
	}
	for _, text := range []*string{p.Quantities, p.Dimensions} {
		if text != nil && !json.Valid([]byte(*text)) {
			t.Errorf("not JSON: %s", *text)
		}
	}
	if y := p.RequestTime.Year(); y < 2000 || y > 2100 || len(p.BillingKey) != 22 || coalesce.Escaped(p.Body) > 1<<21 {
		t.Errorf("time %v, a key of %d bytes, a body of %d", p.RequestTime, len(p.BillingKey), len(p.Body))
	}
}

// A count that the ledger can't hold is one that is not known: what is exact has all that was counted.
func TestCountsAreKeptOrMissing(t *testing.T) {
	pages, err := meter.ParsePath("$.pages")
	if err != nil {
		t.Fatal(err)
	}
	d := flowDeriver(t)
	d.Policy = policy.Policy{{Meters: []meter.Meter{{Unit: "pages", From: meter.RequestJSON(pages)}}}}
	for number, want := range map[string]string{
		"5":                              `exact [{"unit":"pages","quantity":"5"}]`,
		"999999999999999999.999999999":   `exact [{"unit":"pages","quantity":"999999999999999999.999999999"}]`,
		"1000000000000000000":            "missing ",
		"9999999999999999999999999999":   "missing ",
		"10000000000000000000000000000":  "missing ",
		"999999999999999999.99999999999": "missing ", // rounded up
	} {
		unit := checkFlow(t, d, fmt.Appendf(nil, `{"start_time":1795347865715,"request":{"method":"POST","uri":"/print","headers":{},`+
			`"body":"{\"pages\":%s}"},"response":{"status":200,"headers":{}}}`, number))
		rows, _ := ledger.Encoded(&unit, coalesce.Limits{Statement: 1 << 21, Row: 1 << 21})
		row, kept := rows[0], ""
		if row.Quantities != nil {
			kept = *row.Quantities
		}
		if got := row.UsageState + " " + kept; got != want {
			t.Errorf("%s pages: %s, want %s", number, got, want)
		}
		if marked := strings.Contains(row.Marks, "meter:pages"); marked != (kept == "") || strings.Contains(row.Marks, "bad:") {
			t.Errorf("%s pages: marks %s", number, row.Marks)
		}
	}
}

// checkFlow takes a body to the rows, and counts.
func checkFlow(t *testing.T, d *pipeline.Deriver, body []byte) record.Unit {
	t.Helper()
	unit := d.Unit(record.Origin{Topic: "t", MsgID: "M"}, body)
	want := 1
	if parts, err := logentry.Split(body); err == nil {
		want = len(parts)
	}
	rows, rejects := ledger.Encoded(&unit, coalesce.Limits{Statement: 1 << 21, Row: 1 << 21})
	if len(rows)+len(rejects) != want {
		t.Errorf("%d rows and %d dead letters of %d entries", len(rows), len(rejects), want)
	}
	if len(rejects) != len(unit.Rejects) {
		t.Errorf("the ledger can't take %d of the records that the pipeline made", len(rejects)-len(unit.Rejects))
	}
	for _, r := range rejects {
		if r.Reason == "" || r.Reason == "panic" || len(r.Raw) == 0 && len(body) > 0 {
			t.Errorf("dead letter %q with %d raw bytes: %s", r.Reason, len(r.Raw), r.Detail)
		}
	}
	seen := map[string]bool{}
	for i := range rows {
		checkFits(t, &rows[i])
		// Equal entries of one message are so many requests, unless the gateway's word or a stamp says that they are one.
		if key := hex.EncodeToString(rows[i].BillingKey); rows[i].KeySource == string(record.KeyFromFingerprint) && seen[key] {
			t.Errorf("two fingerprints of one message are equal: %s", key)
		} else {
			seen[key] = true
		}
	}
	return unit
}

// Whatever the bytes and whatever somebody chose: each entry becomes a row that fits the table, or a dead letter.
func FuzzFlow(f *testing.F) {
	for _, h := range hostiles() {
		f.Add([]byte{}, h.text, h.body, h.status, h.start, h.latency, h.payload, h.copies, h.format)
	}
	files, _ := filepath.Glob("../../../shared/logentry/testdata/apisix-3.18/*")
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body, "", "", 0, int64(0), 0.0, []byte{}, uint8(0), uint8(0))
	}
	d := flowDeriver(f)
	f.Fuzz(func(t *testing.T, raw []byte, text, body string, status int, start int64, latency float64, payload []byte, copies, format uint8) {
		if len(raw) > 0 {
			checkFlow(t, d, raw)
			return
		}
		h := hostile{text, body, status, start, latency, payload, copies, format}
		checkFlow(t, d, h.message())
	})
}

// The database takes every record that the seeds become: none is a dead letter for its sake.
func TestHostileEntriesAreTaken(t *testing.T) {
	w, db := fresh(t)
	d := flowDeriver(t)
	for i, h := range hostiles() {
		unit := checkFlow(t, d, h.message())
		rejects := len(unit.Rejects)
		o, err := w.Commit(t.Context(), unit)
		if err != nil {
			t.Fatal(err)
		}
		if o.Rejected != rejects {
			t.Errorf("seed %d: %d dead letters, of which %d are the pipeline's", i, o.Rejected, rejects)
		}
	}
	checkSums(t, db)
}
