package api_test

import (
	"bytes"
	"encoding/json"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"gateway-billing.internal/consumer/internal/apitoken"
	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/consumer/internal/recordexport"
)

// hostile is text that ends lines, quotes, is no character, or is one in JavaScript only.
const hostile = "\u2028\u2029\x00\x1b[2J\x7f\r\n\t\"\\</script>\xff\xfe é𝄞 "

// strange are records of all that clients, upstreams and older consumers may put into one.
func strange(t *testing.T, s *server) {
	t.Helper()
	s.commit(t,
		request(yesterday),
		request(yesterday.Add(time.Millisecond), func(r *record.Record) {
			text := hostile + strings.Repeat("ü", 3000)
			r.URI, r.Method, r.Consumer, r.ServiceID, r.Usage.Model, r.ClientIP = &text, &text, new(`"al\ice" <&>`), &text, &text, &text
			r.Dimensions = map[string]string{hostile: hostile, "": "", "next_cursor": "</b>"}
			r.Usage.Quantities = []record.Quantity{{Unit: "image", Amount: "0.000000001"}, {Unit: hostile, Amount: "12345678901234567890.5"}}
			r.Usage.RawJSON = []byte("{\"no\": json \xff\n")
			r.LatencyMS, r.Usage.TotalTokens, r.Usage.EstimatedTokens = new(1e-9), math.MaxInt64, new(int64(math.MaxInt64))
			r.Marks = []string{"a", "b"}
		}),
		request(yesterday.Add(2*time.Millisecond), func(r *record.Record) {
			*r = record.Record{Key: r.Key, FingerprintKey: r.FingerprintKey, KeySource: record.KeyFromFingerprint, KeyState: "absent",
				RequestTime: r.RequestTime, Usage: record.Usage{State: record.UsageNone, Source: record.UsageFromNone}}
		}),
		request(yesterday.Add(3*time.Millisecond), func(r *record.Record) { r.LatencyMS, r.Status = new(math.MaxFloat64), new(99999) }),
	)
	// A row as the adoption of an older consumer's table leaves it.
	exec(t, connect(t, s.dsn), `INSERT INTO mq_consume_log (billing_key, key_source, key_state, batch_id, msg_id, topic, entry_index,
		prompt_tokens, completion_tokens, total_tokens, usage_state, usage_source, billable, billable_reason, request_time, body, create_time)
		VALUES (UNHEX(CONCAT('000000000000', LEFT(SHA2('m', 256), 32))), 'msg_id', 'adopted', REPEAT('b', 16), 'm', 't', 0, 1, 2, 3, 'exact', 'body', 1, 'adopted',
		?, '', ?)`, yesterday, yesterday)
	s.number(t)
}

// fields are the records of an answer or an export by key, each by its fields as they are written.
func fields(t *testing.T, records []json.RawMessage) map[string]map[string]json.RawMessage {
	t.Helper()
	all := map[string]map[string]json.RawMessage{}
	for _, r := range records {
		var of map[string]json.RawMessage
		if err := json.Unmarshal(r, &of); err != nil {
			t.Fatalf("%v in %q", err, r)
		}
		all[string(of["billing_key"])] = of
	}
	return all
}

// Whatever stands in a record: the feed, the answer for one request and an export say the same of it in the same words.
func TestRecordsAreTheSameEverywhere(t *testing.T) {
	t.Parallel()
	s := serve(t, []apitoken.Grant{everything("ops")})
	strange(t, s)
	var page struct{ Records []json.RawMessage }
	s.get("ops", "/v1/records").into(t, &page)
	lines := bytes.Split(s.get("ops", "/v1/records", "Accept", "application/x-ndjson").body, []byte("\n"))
	if len(lines) != len(page.Records)+2 {
		t.Fatalf("%d records, and %d lines", len(page.Records), len(lines))
	}
	var exported bytes.Buffer
	sink, err := recordexport.ToWriter(recordexport.NDJSON, &exported)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.store.Export(t.Context(), time.Unix(0, 0), time.Now(), nil, func(part []ledger.Exported) error { return sink.Write(part) }); err != nil {
		t.Fatal(err)
	}
	var exports []json.RawMessage
	for line := range bytes.Lines(exported.Bytes()) {
		exports = append(exports, line)
	}
	whole, fed := fields(t, exports), fields(t, page.Records)
	if len(whole) != 5 || len(fed) != 5 {
		t.Fatalf("%d records are exported, %d came", len(whole), len(fed))
	}
	for i, line := range lines[:len(page.Records)] {
		if !bytes.Equal(line, page.Records[i]) {
			t.Errorf("the line %s is not the record %s", line, page.Records[i])
		}
	}
	for key, of := range fed {
		var one struct{ Records []json.RawMessage }
		s.get("ops", "/v1/records/"+strings.Trim(key, `"`)).into(t, &one)
		if detail := fields(t, one.Records)[key]; len(one.Records) != 1 || len(detail) != len(whole[key]) {
			t.Errorf("%d records of %s, with %d of %d fields", len(one.Records), key, len(detail), len(whole[key]))
		} else {
			for name, value := range whole[key] {
				if !bytes.Equal(detail[name], value) {
					t.Errorf("%s of %s is %s, exported as %s", name, key, detail[name], value)
				}
			}
		}
		for name, value := range of {
			if !bytes.Equal(whole[key][name], value) {
				t.Errorf("%s of %s is %s, exported as %s", name, key, value, whole[key][name])
			}
		}
		if len(of) < 35 {
			t.Errorf("%s has %d fields", key, len(of))
		}
	}
}

// A request is found by its ID and by its key, with all who claimed the ID, and a caller sees its own only.
func TestOneRequest(t *testing.T) {
	t.Parallel()
	s := serve(t, []apitoken.Grant{everything("ops"), restricted("alice", "alice"), restricted("bob", "bob"), restricted("carol", "carol")})
	first := request(yesterday)
	bobs := claimed(first, "bob")
	s.commit(t, worse(first))
	s.commit(t, bobs)
	s.commit(t, request(yesterday))
	type answered struct {
		Records []struct {
			taken
			ClaimedKey  *string `json:"claimed_key"`
			KeySource   string  `json:"key_source"`
			UsageSource string  `json:"usage_source"`
			UsageJSON   *string `json:"usage_json"`
			Topic       string  `json:"topic"`
			MsgID       string  `json:"msg_id"`
			Queue       int     `json:"queue_id"`
			Offset      int64   `json:"queue_offset"`
			Duplicates  int     `json:"duplicates"`
		}
	}
	byID, byKey := "/v1/records/"+*first.RequestID, "/v1/records/"+first.Key.String()
	asks := func(who, path string) (a answered, tag string) {
		t.Helper()
		got := s.get(who, path)
		if got.status != http.StatusOK {
			t.Fatalf("%s %s: %d %s", who, path, got.status, got.body)
		}
		got.into(t, &a)
		return a, got.header.Get("ETag")
	}
	both, tag := asks("ops", byID)
	if len(both.Records) != 2 {
		t.Fatalf("%+v", both)
	}
	holder, claims := both.Records[0], both.Records[1]
	if holder.BillingKey != first.Key.String() || holder.UsageState != "missing" || holder.Topic != "gateway-log" || holder.MsgID != "m1" ||
		holder.Queue != 3 || holder.Offset != 42 || holder.KeySource != "gateway" || holder.Revision != 1 {
		t.Errorf("%+v", holder)
	}
	if claims.KeyState != "conflict" || claims.ClaimedKey == nil || *claims.ClaimedKey != holder.BillingKey || claims.KeySource != "fingerprint" ||
		claims.UsageJSON == nil || *claims.UsageJSON != `{"prompt_tokens":10}` || *claims.Consumer != "bob" {
		t.Errorf("%+v", claims)
	}
	if a := s.get("ops", byID, "If-None-Match", tag); a.status != http.StatusNotModified || len(a.body) != 0 {
		t.Errorf("nothing happened: %d %s", a.status, a.body)
	}
	s.commit(t, first) // raises it
	s.commit(t, first) // a duplicate
	raised, other := asks("ops", byID)
	if r := raised.Records[0]; r.Revision != 2 || r.UsageState != "exact" || r.UsageSource != "body" || r.Duplicates != 2 || other == tag {
		t.Errorf("raised: %+v, ETag %s after %s", r, other, tag)
	}
	if a := s.get("ops", byID, "If-None-Match", tag); a.status != http.StatusOK {
		t.Errorf("raised: %d", a.status)
	}
	for who, want := range map[string]string{"alice": first.Key.String(), "bob": claims.BillingKey} {
		a, _ := asks(who, byID)
		if len(a.Records) != 1 || a.Records[0].BillingKey != want {
			t.Errorf("%s sees %+v", who, a)
		}
		if a, _ := asks(who, "/v1/records/"+want); len(a.Records) != 1 || a.Records[0].BillingKey != want {
			t.Errorf("%s sees %+v", who, a)
		}
	}
	for _, tt := range []struct{ who, path string }{
		{"carol", byID}, {"carol", byKey}, {"bob", byKey}, {"alice", "/v1/records/" + claims.BillingKey},
		{"ops", "/v1/records/" + strings.Repeat("0", 32)}, {"ops", "/v1/records/" + strings.Repeat("f", 44)},
	} {
		if a := s.get(tt.who, tt.path); a.status != http.StatusNotFound {
			t.Errorf("%s %s: %d %s", tt.who, tt.path, a.status, a.body)
		}
	}
	for _, id := range []string{"x", strings.ToUpper(first.Key.String()), first.Key.String() + "00", strings.Repeat("0", 31), strings.Repeat("0", 43), strings.Repeat("g", 32), "%00"} {
		if a := s.wrong("ops", "/v1/records/"+id); a.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", id, a.status, a.body)
		}
	}
}

// The answer for one request must not read the ledger.
func TestOneRequestIsLookedUp(t *testing.T) {
	t.Parallel()
	s := serve(t, []apitoken.Grant{everything("ops")})
	db := connect(t, s.dsn)
	var of []record.Record
	for range 300 {
		of = append(of, request(yesterday))
	}
	s.commit(t, of...)
	for where, index := range map[string]string{
		"request_id = '" + *of[7].RequestID + "' ORDER BY id LIMIT 100": "idx_request_id", "billing_key = x'" + of[7].Key.String() + "'": "ux_billing_key",
	} {
		if key := plan(t, db, "SELECT * FROM mq_consume_log WHERE "+where)["key"]; key != index {
			t.Errorf("%s uses index %s", where, key)
		}
	}
}
