package logentry_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/shared/logentry"
)

// samples are message bodies and log entries that a real APISIX 3.18 wrote, exact bytes.
const samples = "testdata/apisix-3.18"

func readSample(t testing.TB, name string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(samples, name))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// decodeOne decodes a body that must hold exactly one entry.
func decodeOne(t *testing.T, body []byte) *logentry.Entry {
	t.Helper()
	parts, err := logentry.Split(body)
	if err != nil || len(parts) != 1 {
		t.Fatalf("Split: %d parts, error %v", len(parts), err)
	}
	e, err := logentry.Decode(parts[0])
	if err != nil {
		t.Fatalf("Decode: %v", err)
	}
	return e
}

func text(p *string) string {
	if p == nil {
		return "<nil>"
	}
	return *p
}

func TestDecodeRealEntries(t *testing.T) {
	tests := []struct {
		file     string
		route    string
		service  string
		consumer string
		method   string
		status   int
		startMS  int64
		response bool // a response body was kept
	}{
		{"plain-json.jsonl", "chat", "", "alice", "POST", 200, 1795347865715, true},
		{"anonymous.jsonl", "open", "", "", "POST", 200, 1795347865876, true},
		{"abort-499-before-response.jsonl", "r1", "", "alice", "POST", 499, 1795348053129, false},
		{"abort-midstream.jsonl", "r1", "", "alice", "POST", 200, 1795348052518, false},
		{"unmatched-404.jsonl", "", "", "", "POST", 404, 1795347865909, false},
		{"service-route.jsonl", "svc", "s1", "", "GET", 200, 1795347865987, true},
		{"unauth-401.jsonl", "chat", "", "", "POST", 401, 1795347865887, true},
		{"cut-in-utf8.bin", "lim", "", "", "POST", 200, 1795348791486, true},
		{"binary-request-body.bin", "bin", "", "", "POST", 200, 1795348791500, true},
		{"rocketmq-meta-extra.jsonl", "r1", "", "alice", "POST", 200, 1795349461307, true},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			e := decodeOne(t, readSample(t, tt.file))
			if e.Format != logentry.Default {
				t.Errorf("format %s", e.Format)
			}
			if text(e.RouteID) != tt.route || text(e.ServiceID) != tt.service || text(e.Consumer) != tt.consumer {
				t.Errorf("route %q, service %q, APISIX consumer %q", text(e.RouteID), text(e.ServiceID), text(e.Consumer))
			}
			if text(e.Method) != tt.method || e.Status == nil || *e.Status != tt.status {
				t.Errorf("method %q, status %v", text(e.Method), e.Status)
			}
			if e.StartMS == nil || *e.StartMS != tt.startMS {
				t.Errorf("start %v", e.StartMS)
			}
			if (e.ResponseBody != nil) != tt.response {
				t.Errorf("response body kept: %v", e.ResponseBody != nil)
			}
			if len(e.Doubts) > 0 {
				t.Errorf("doubts %v", e.Doubts)
			}
		})
	}
}

func TestEverySampleDecodes(t *testing.T) {
	files, _ := filepath.Glob(samples + "/*.jsonl")
	bins, _ := filepath.Glob(samples + "/*.bin")
	if len(files)+len(bins) < 25 {
		t.Fatalf("only %d samples", len(files)+len(bins))
	}
	for _, file := range append(files, bins...) {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		parts, err := logentry.Split(body)
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if want := 1 + 2*strings.Count(file, "array3"); len(parts) != want {
			t.Errorf("%s: %d entries, want %d", file, len(parts), want)
		}
		for _, part := range parts {
			if _, err := logentry.Decode(part); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
}

func TestInvalidUTF8IsReadAsReplacement(t *testing.T) {
	for _, file := range []string{"cut-in-utf8.bin", "binary-request-body.bin"} {
		body := readSample(t, file)
		if utf8.Valid(body) {
			t.Fatalf("%s is valid UTF-8 and tests nothing", file)
		}
		e := decodeOne(t, body)
		if !utf8.ValidString(*e.RequestBody) || !strings.ContainsRune(*e.RequestBody, utf8.RuneError) {
			t.Errorf("%s: request body %q", file, *e.RequestBody)
		}
	}
}

func TestRepeatedHeader(t *testing.T) {
	e := decodeOne(t, readSample(t, "dup-headers.jsonl"))
	if got := e.RequestHeaders.Get("x-dup"); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("x-dup %q", got)
	}
	if text(e.Host) != "127.0.0.1:9080" {
		t.Errorf("host %q", text(e.Host))
	}
}

func TestStampCarriers(t *testing.T) {
	entry := func(billing, header string) string {
		return `{"request":{"headers":{` + header + `}},"response":{}` + billing + `}`
	}
	tests := []struct {
		name    string
		body    string
		id      string
		billing []string
		header  []string
	}{
		{"none", entry(``, ``), "", nil, nil},
		{"object", entry(`,"billing":{"request_id":"ab","stamp":"s1"}`, ``), "ab", []string{"s1"}, nil},
		{"object, joined values", entry(`,"billing":{"stamp":"s1, s2,s3"}`, ``), "", []string{"s1", "s2", "s3"}, nil},
		{"object, array", entry(`,"billing":{"stamp":["s1","s2, s3"]}`, ``), "", []string{"s1", "s2", "s3"}, nil},
		{"header", entry(``, `"x-billing-stamp":"s1"`), "", nil, []string{"s1"}},
		{"header, repeated", entry(``, `"x-billing-stamp":["s1","s2"]`), "", nil, []string{"s1", "s2"}},
		{"header of another name", entry(``, `"x_billing_stamp":"s1"`), "", nil, nil},
		{"both", entry(`,"billing":{"stamp":"s1"}`, `"x-billing-stamp":"s2"`), "", []string{"s1"}, []string{"s2"}},
		{"log_format, object", `{"billing":{"request_id":"ab","stamp":"s1"}}`, "ab", []string{"s1"}, nil},
		{"log_format, flat", `{"billing_request_id":"ab","billing_stamp":"s1, s2"}`, "ab", []string{"s1", "s2"}, nil},
		{"flat names are not the default entry's", entry(`,"billing_request_id":"ab"`, ``), "", nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := decodeOne(t, []byte(tt.body))
			var id string
			var stamps []string
			if e.Billing != nil {
				id, stamps = e.Billing.RequestID, e.Billing.Stamps
			}
			if id != tt.id || !slices.Equal(stamps, tt.billing) || !slices.Equal(e.HeaderStamps, tt.header) {
				t.Errorf("billing ID %q stamps %q, header stamps %q", id, stamps, e.HeaderStamps)
			}
		})
	}
}

func TestLogFormat(t *testing.T) {
	e := decodeOne(t, []byte(`{"route_id":"r1","msec":"1795348053.530","request_time":"0.401","consumer":"alice",
		"remote_addr":"10.0.0.1","request_method":"POST","request_uri":"/v1?x=1","host":"h","status":"200",
		"request_length":"212","bytes_sent":588,"request_body":"q","resp_body":"a"}`))
	if e.Format != logentry.Custom || e.StartMS == nil || *e.StartMS != 1795348053129 || *e.LatencyMS != 401 {
		t.Errorf("format %s, start %v, latency %v", e.Format, *e.StartMS, *e.LatencyMS)
	}
	got := []string{text(e.Consumer), text(e.ClientIP), text(e.Method), text(e.URI), text(e.Host), text(e.RequestBody), text(e.ResponseBody)}
	want := []string{"alice", "10.0.0.1", "POST", "/v1?x=1", "h", "q", "a"}
	if !slices.Equal(got, want) || *e.Status != 200 || *e.RequestSize != 212 || *e.ResponseSize != 588 {
		t.Errorf("got %q, status %d, sizes %d %d", got, *e.Status, *e.RequestSize, *e.ResponseSize)
	}

	bare := decodeOne(t, readSample(t, "log_format.jsonl"))
	if bare.StartMS != nil || bare.ServiceID != nil || text(bare.Consumer) != "alice" {
		t.Errorf("a log_format without a field knows it: start %v, service %q", bare.StartMS, text(bare.ServiceID))
	}
}

func TestSplitErrors(t *testing.T) {
	tests := []struct {
		body string
		want error
	}{
		{"", logentry.ErrNotJSON}, {"  ", logentry.ErrNotJSON}, {"GET / HTTP/1.1\r\n", logentry.ErrNotJSON},
		{`{"a":1`, logentry.ErrNotJSON}, {`{}{}`, logentry.ErrNotJSON}, {`[{},]`, logentry.ErrNotJSON},
		{"[]", logentry.ErrEmpty}, {" [ ] ", logentry.ErrEmpty},
		{"[1" + strings.Repeat(",1", logentry.MaxEntries) + "]", logentry.ErrTooMany},
		{"1", logentry.ErrNotEntry}, {`"x"`, logentry.ErrNotEntry}, {"null", logentry.ErrNotEntry},
	}
	for _, tt := range tests {
		if _, err := logentry.Split([]byte(tt.body)); !errors.Is(err, tt.want) {
			t.Errorf("Split(%.40q): %v, want %v", tt.body, err, tt.want)
		}
	}
}

func TestOneBadPartLeavesTheOthers(t *testing.T) {
	parts, err := logentry.Split([]byte(`[{"route_id":"a"}, 7, {"route_id":"b"}]`))
	if err != nil || len(parts) != 3 {
		t.Fatalf("%d parts, %v", len(parts), err)
	}
	if _, err := logentry.Decode(parts[1]); !errors.Is(err, logentry.ErrNotObject) {
		t.Errorf("a number: %v", err)
	}
	if e, err := logentry.Decode(parts[2]); err != nil || text(e.RouteID) != "b" {
		t.Errorf("the part behind it: %v", err)
	}
}

func TestBadMembers(t *testing.T) {
	full := func(change string) string {
		return `{"request":{"headers":{}},"response":{"status":200},"start_time":1795348053129,` + change + `}`
	}
	fails := map[string]string{
		`"start_time":"soon"`:          "start_time",
		`"start_time":1.5`:             "start_time",
		`"start_time":1e400`:           "start_time",
		`"route_id":[7]`:               "route_id",
		`"consumer":7`:                 "consumer",
		`"consumer":{"username":7}`:    "consumer.username",
		`"response":{"status":"many"}`: "response.status",
		`"response":{"status":1000}`:   "response.status",
	}
	for change, field := range fails {
		_, err := logentry.Decode(json.RawMessage(full(change)))
		var fe *logentry.FieldError
		if !errors.As(err, &fe) || fe.Field != field {
			t.Errorf("%s: %v, want a FieldError of %s", change, err, field)
		}
	}
	doubts := map[string]string{
		`"latency":"slow"`:                   "latency",
		`"client_ip":7`:                      "client_ip",
		`"request":{"method":7}`:             "request.method",
		`"request":{"size":"x"}`:             "request.size",
		`"response":{"status":200,"body":7}`: "response.body",
		`"billing":7`:                        "billing",
		`"billing":{"request_id":7}`:         "billing.request_id",
		`"request":{"headers":"none"}`:       "request.headers",
		`"service_id":{"deep":[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]}`: "service_id",
	}
	for change, field := range doubts {
		e, err := logentry.Decode(json.RawMessage(full(change)))
		if err != nil || !slices.Contains(e.Doubts, field) {
			t.Errorf("%s: error %v, want a doubt of %s", change, err, field)
		}
	}
}

func TestNumberAsID(t *testing.T) {
	e := decodeOne(t, []byte(`{"request":{},"response":{},"route_id":7,"service_id":8.0}`))
	if text(e.RouteID) != "7" || text(e.ServiceID) != "8" {
		t.Errorf("route %q, service %q", text(e.RouteID), text(e.ServiceID))
	}
}

// The values of a header that is spelled in two ways stand in one order each time.
func TestHeaderNamesFoldInOneOrder(t *testing.T) {
	for range 50 {
		e := decodeOne(t, []byte(`{"request":{"headers":{"x-a":"1","X-A":"2"}},"response":{}}`))
		if got := e.RequestHeaders.Get("x-a"); !slices.Equal(got, []string{"2", "1"}) {
			t.Fatalf("x-a %q", got)
		}
	}
}

func TestMemberNamesAreExact(t *testing.T) {
	e := decodeOne(t, []byte(`{"request":{},"response":{},"start_time":5,"Start_Time":6,"ROUTE_ID":"x"}`))
	if *e.StartMS != 5 || text(e.RouteID) != "" {
		t.Errorf("start %d, route %q", *e.StartMS, text(e.RouteID))
	}
}

func TestStampHeaderIsTheContracts(t *testing.T) {
	e := decodeOne(t, []byte(`{"request":{"headers":{"`+strings.ToLower(billingkey.HeaderStamp)+`":"s"}},"response":{}}`))
	if !slices.Equal(e.HeaderStamps, []string{"s"}) {
		t.Error("the header of the contract is not read")
	}
}

func FuzzDecode(f *testing.F) {
	files, _ := filepath.Glob(samples + "/*")
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Add([]byte(`[{"billing":{"request_id":1}},[],null,{"msec":1e308,"request_time":-1e308}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		parts, err := logentry.Split(body)
		if (err == nil) != (len(parts) > 0) {
			t.Fatalf("%d parts with error %v", len(parts), err)
		}
		for _, part := range parts {
			e, err := logentry.Decode(part)
			if e == nil && (err == nil || !errors.Is(err, logentry.ErrNotObject)) {
				t.Fatalf("no entry, with error %v", err)
			}
			if e == nil {
				continue
			}
			for _, s := range []*string{e.RouteID, e.ServiceID, e.Consumer, e.Method, e.URI, e.Host, e.ClientIP, e.RequestBody, e.ResponseBody} {
				if s != nil && !utf8.ValidString(*s) {
					t.Fatalf("text that is not UTF-8: %q", *s)
				}
			}
			if e.Status != nil && (*e.Status < 0 || *e.Status > 999) {
				t.Fatalf("status %d", *e.Status)
			}
		}
	})
}
