package pipeline_test

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"gateway-billing.internal/consumer/internal/identity"
	"gateway-billing.internal/consumer/internal/meter"
	"gateway-billing.internal/consumer/internal/pipeline"
	"gateway-billing.internal/consumer/internal/policy"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/consumer/internal/redact"
	"gateway-billing.internal/consumer/internal/usage"
	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/shared/logentry"
)

const samples = "../../../shared/logentry/testdata/apisix-3.18"

func deriver(t testing.TB) *pipeline.Deriver {
	t.Helper()
	keys, err := billingkey.ParseKeys("")
	if err != nil {
		t.Fatal(err)
	}
	return &pipeline.Deriver{Keys: keys, Rules: identity.Rules{Tolerance: time.Second}, Body: redact.New(redact.Redacted, nil, nil)}
}

func sample(t testing.TB, name string) string {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(samples, name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(body))
}

// The copies of one request meet under one key, whichever of them carries the gateway's word.
func TestCopiesOfOneRequestMeet(t *testing.T) {
	const billing = `"billing":{"request_id":"000102030405060708090a0b0c0d0e0f"},`
	entry := sample(t, "plain-json.jsonl")
	full := strings.Replace(entry, "{", "{"+billing, 1)
	custom := `{` + billing + `"route_id":"chat","msec":1795347865.718,"request_time":0.003}`
	d := deriver(t)
	key := func(body string) billingkey.Key {
		unit := d.Unit(record.Origin{}, []byte(body))
		if len(unit.Records) != 1 {
			t.Fatalf("%d records, rejects %+v", len(unit.Records), unit.Rejects)
		}
		return unit.Records[0].Key
	}
	if a, b := key(full), key("["+full+"]"); a != b {
		t.Errorf("object %s, array %s", a, b)
	}
	if a, b := key(full), key(custom); a != b {
		t.Errorf("default entry %s, log_format %s", a, b)
	}
	if a, b := key(entry), key(full); a == b {
		t.Error("a fingerprint equals the key of the gateway's word")
	}
}

func TestOriginAndRawStayWithEachEntry(t *testing.T) {
	body := []byte(`[` + sample(t, "plain-json.jsonl") + `,7]`)
	origin := record.Origin{Topic: "t", MsgID: "M", Queue: 3, Offset: 9}
	unit := deriver(t).Unit(origin, body)
	if len(unit.Records) != 1 || len(unit.Rejects) != 1 {
		t.Fatalf("%d records, %d rejects", len(unit.Records), len(unit.Rejects))
	}
	rec, reject := unit.Records[0], unit.Rejects[0]
	if rec.Origin != origin || rec.EntryIndex != 0 || reject.Origin != origin || reject.EntryIndex != 1 {
		t.Errorf("record of %+v at %d, reject of %+v at %d", rec.Origin, rec.EntryIndex, reject.Origin, reject.EntryIndex)
	}
	if string(reject.Raw) != "7" || reject.BodySHA256 != sha256.Sum256(body) {
		t.Errorf("raw %q", reject.Raw)
	}
}

// A panic while one entry is worked on leaves the others of its message alone. The nil redactor makes one happen.
func TestPanicIsOneEntrysReject(t *testing.T) {
	d := deriver(t)
	d.Body = nil
	unit := d.Unit(record.Origin{}, []byte(`[`+sample(t, "plain-json.jsonl")+`,7]`))
	if len(unit.Records) != 0 || len(unit.Rejects) != 2 || unit.Rejects[0].Reason != "panic" || unit.Rejects[1].Reason != "not_an_entry" {
		t.Errorf("%d records, rejects %+v", len(unit.Records), unit.Rejects)
	}
	if strings.Contains(unit.Rejects[0].Detail, "alice") {
		t.Errorf("detail %q holds content", unit.Rejects[0].Detail)
	}
}

// A dead letter knows the key that its entry would have had, so that a redrive has the same.
func TestRejectKeepsItsKey(t *testing.T) {
	entry := strings.Replace(sample(t, "plain-json.jsonl"), `"alice"`, `"`+strings.Repeat("a", 300)+`"`, 1)
	unit := deriver(t).Unit(record.Origin{}, []byte(`[`+entry+`,`+sample(t, "log_format.jsonl")+`]`))
	if len(unit.Rejects) != 2 || unit.Rejects[0].Key == nil || unit.Rejects[0].Key.StartMS() != 1795347865715 {
		t.Errorf("rejects %+v", unit.Rejects)
	}
	if unit.Rejects[1].Key != nil {
		t.Error("an entry without a time has a key")
	}
}

// Whatever the bytes: never a panic, entries = records + rejects, the same bytes give the same unit, and everything fits
// its column.
func FuzzUnit(f *testing.F) {
	files, _ := filepath.Glob(samples + "/*")
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Add([]byte(`[{"msec":1795347865.7,"request_time":1,"billing":{"request_id":"000102030405060708090a0b0c0d0e0f"}},{},[],null]`))
	d := deriver(f)
	path, err := meter.ParsePath("$.usage.total_tokens")
	if err != nil {
		f.Fatal(err)
	}
	d.Policy = policy.Policy{{BytesPerToken: 4, Meters: []meter.Meter{
		{Unit: meter.UnitTokens}, {Unit: "a", From: meter.ResponseJSON(path)}, {Unit: "b", From: meter.ResponseHeader("date")},
	}}}
	f.Fuzz(func(t *testing.T, body []byte) {
		unit := d.Unit(record.Origin{}, body)
		want := 1
		if parts, err := logentry.Split(body); err == nil {
			want = len(parts)
		}
		if got := len(unit.Records) + len(unit.Rejects); got != want {
			t.Fatalf("%d records and %d rejects of %d entries", len(unit.Records), len(unit.Rejects), want)
		}
		if again := d.Unit(record.Origin{}, body); !reflect.DeepEqual(unit, again) {
			t.Fatal("the same bytes gave another unit")
		}
		for _, reject := range unit.Rejects {
			if reject.Reason == "" || reject.Reason == "panic" || len(reject.Raw) == 0 && len(body) > 0 {
				t.Fatalf("reject %q with %d raw bytes", reject.Reason, len(reject.Raw))
			}
		}
		for _, rec := range unit.Records {
			if rec.Key == (billingkey.Key{}) || rec.KeySource == "" || rec.KeyState == "" || rec.BillableReason == "" {
				t.Fatalf("record without %+v", rec)
			}
			for _, s := range []*string{rec.URI, rec.Method, rec.ServiceID, rec.RouteID, rec.Consumer, rec.Usage.Model} {
				if s != nil && (!utf8.ValidString(*s) || utf8.RuneCountInString(*s) > 2048) {
					t.Fatalf("text of %d bytes", len(*s))
				}
			}
			for _, q := range rec.Usage.Quantities {
				if q.Unit == "" || strings.ContainsFunc(q.Amount, func(r rune) bool { return r != '.' && (r < '0' || r > '9') }) {
					t.Fatalf("quantity %+v", q)
				}
			}
			if rec.Usage.EstimatedTokens != nil && (*rec.Usage.EstimatedTokens < 0 || rec.Usage.State == record.UsageExact) {
				t.Fatalf("estimate %d of usage that is %s", *rec.Usage.EstimatedTokens, rec.Usage.State)
			}
			if !utf8.ValidString(rec.Body) || !utf8.Valid(rec.Usage.RawJSON) {
				t.Fatal("kept text that is not UTF-8")
			}
		}
	})
}

// What the operator says of a route's provider reaches the reading of its usage.
func TestProviderOfTheRoute(t *testing.T) {
	d := deriver(t)
	d.Policy = policy.Policy{{Match: policy.Match{RouteID: new("chat")}, Provider: usage.NotMetered}}
	body := sample(t, "plain-json.jsonl")
	for from, want := range map[string]record.UsageState{`"chat"`: record.UsageNone, `"other"`: record.UsageExact} {
		unit := d.Unit(record.Origin{}, []byte(strings.Replace(body, `"route_id":"chat"`, `"route_id":`+from, 1)))
		if len(unit.Records) != 1 || unit.Records[0].Usage.State != want {
			t.Errorf("route %s: %+v, want %s", from, unit.Records, want)
		}
	}
}
