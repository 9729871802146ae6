package meter_test

import (
	"math/big"
	"regexp"
	"strings"
	"testing"

	"gateway-billing.internal/consumer/internal/meter"
	"gateway-billing.internal/shared/logentry"
)

func path(t testing.TB, text string) meter.Path {
	t.Helper()
	p, err := meter.ParsePath(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return p
}

// unknown is what a test wants where there is no count.
const unknown = "unknown"

func read(m meter.Meter, e *logentry.Entry) string {
	r, ok := m.Read(e)
	switch {
	case !ok:
		return unknown
	case r.Rounded:
		return "~" + r.Amount
	default:
		return r.Amount
	}
}

func TestNumberAtAPath(t *testing.T) {
	tests := []struct{ path, body, want string }{
		{"$.pages", `{"pages":3}`, "3"},
		{"$.result.pages", `{"result":{"pages":3},"pages":4}`, "3"},
		{"$[1]", `[1,2,3]`, "2"},
		{"$.items[1].n", `{"items":[{"n":1},{"n":2.50}]}`, "2.5"},
		{"$['page-no']", `{"page-no":7}`, "7"},
		{`$["a.b"][0]['ü']`, `{"a.b":[{"ü":7}]}`, "7"},
		{"$.n", ` {"n" : "12" } `, "12"},
		{"$.n", `{"n":" 12 "}`, "12"},
		{"$.n", `{"n":"1\u0032"}`, "12"},
		{"$.n", `{"\u006e":1}`, "1"},
		{"$.n", `{"n":1,"n":2}`, "2"}, // as every JSON reader
		{"$.n", `{"n":0}`, "0"},
		{"$.n", `{"n":0.0}`, "0"},
		{"$.n", `{"n":1e3}`, "1000"},
		{"$.n", `{"n":1.5E-3}`, "0.0015"},
		{"$.n", `{"n":"007"}`, "7"},
		{"$.n", `{"n":0.1}`, "0.1"},
		{"$.n", `{"n":9007199254740993}`, "9007199254740993"}, // no float in between
		{"$.n", `{"n":999999999999999999}`, "999999999999999999"},
		{"$.n", `{"n":1e18}`, unknown}, // more than the ledger takes
		{"$.n", `{"n":0.30000000000000004}`, "~0.3"},
		{"$.n", `{"n":0.0000000015}`, "~0.000000002"},
		{"$.n", `{"n":1e-99}`, "~0"},

		{"$.n", `{"n":-1}`, unknown},
		{"$.n", `{"n":-0}`, unknown},
		{"$.n", `{"n":1e28}`, unknown},
		{"$.n", `{"n":1e400}`, unknown},
		{"$.n", `{"n":1e999999999}`, unknown},
		{"$.n", `{"n":` + strings.Repeat("9", 100000) + `}`, unknown},
		{"$.n", `{"n":null}`, unknown},
		{"$.n", `{"n":true}`, unknown},
		{"$.n", `{"n":{}}`, unknown},
		{"$.n", `{"n":[1]}`, unknown},
		{"$.n", `{"n":""}`, unknown},
		{"$.n", `{"n":"0x10"}`, unknown},
		{"$.n", `{"n":"1/2"}`, unknown},
		{"$.n", `{"n":"NaN"}`, unknown},
		{"$.n", `{"n":"1,5"}`, unknown},
		{"$.n", `{"n":"1_000"}`, unknown},
		{"$.n", `{}`, unknown},
		{"$.n", `{"N":1}`, unknown},
		{"$.n", `[1]`, unknown},
		{"$[0]", `{"0":1}`, unknown},
		{"$[3]", `[1,2,3]`, unknown},
		{"$.n.m", `{"n":1}`, unknown},
		{"$.n", `{"text":"{\"n\":1}"}`, unknown}, // imitated inside text
		{"$.n", `{"n":1`, unknown},               // cut
		{"$.n", `{"n":1,"text":"ab`, unknown},
		{"$.n", `{"n":1} {"n":2}`, unknown},
		{"$.n", "data: {\"n\":1}\n\n", unknown},
		{"$.n", "", unknown},
		{"$[0][0]", strings.Repeat("[", 20000), unknown},
	}
	for _, tt := range tests {
		p := path(t, tt.path)
		if got := read(meter.Meter{Unit: "u", From: meter.ResponseJSON(p)}, &logentry.Entry{ResponseBody: &tt.body}); got != tt.want {
			t.Errorf("%s in %.60s: %s, want %s", tt.path, tt.body, got, tt.want)
		}
		if got := read(meter.Meter{Unit: "u", From: meter.RequestJSON(p)}, &logentry.Entry{RequestBody: &tt.body}); got != tt.want {
			t.Errorf("%s in the request %.60s: %s, want %s", tt.path, tt.body, got, tt.want)
		}
	}
	if got := read(meter.Meter{Unit: "u", From: meter.ResponseJSON(path(t, "$.n"))}, &logentry.Entry{}); got != unknown {
		t.Errorf("without a body: %s", got)
	}
}

// A body that is cut anywhere gives no count.
func TestCutBodyGivesNoCount(t *testing.T) {
	const body = `{"n":120,"a":[{"n":1}],"text":"ü"}`
	m := meter.Meter{Unit: "u", From: meter.ResponseJSON(path(t, "$.n"))}
	for i := range body {
		if got := read(m, &logentry.Entry{ResponseBody: new(body[:i])}); got != unknown {
			t.Errorf("cut at %d: %s", i, got)
		}
	}
}

func TestResponseHeader(t *testing.T) {
	tests := []struct {
		values []string
		want   string
	}{
		{[]string{"3"}, "3"}, {[]string{" 3.25 "}, "3.25"}, {nil, unknown}, {[]string{""}, unknown},
		{[]string{"3", "3"}, unknown}, {[]string{"3, 4"}, unknown}, {[]string{"-3"}, unknown}, {[]string{"three"}, unknown},
	}
	m := meter.Meter{Unit: "u", From: meter.ResponseHeader("X-Credits-Used")}
	for _, tt := range tests {
		if got := read(m, &logentry.Entry{ResponseHeaders: logentry.HeadersOf(map[string][]string{"x-credits-used": tt.values})}); got != tt.want {
			t.Errorf("%q: %s, want %s", tt.values, got, tt.want)
		}
	}
	if got := read(m, &logentry.Entry{}); got != unknown {
		t.Errorf("without headers: %s", got)
	}
}

func TestBuiltInUnits(t *testing.T) {
	e := &logentry.Entry{RequestSize: new(int64(7)), ResponseSize: new(int64(-1))}
	for unit, want := range map[string]string{meter.UnitRequestBytes: "7", meter.UnitResponseBytes: unknown} {
		from, ok := meter.BuiltIn(unit)
		if !ok {
			t.Fatalf("%s is not built in", unit)
		}
		if got := read(meter.Meter{Unit: unit, From: from}, e); got != want {
			t.Errorf("%s: %s, want %s", unit, got, want)
		}
		if got := read(meter.Meter{Unit: unit, From: from}, &logentry.Entry{}); got != unknown {
			t.Errorf("%s without sizes: %s", unit, got)
		}
	}
	if _, ok := meter.BuiltIn("pages"); ok {
		t.Error("pages is built in")
	}
}

func TestBadPaths(t *testing.T) {
	for _, text := range []string{
		"", "$", "n", ".n", "$n", "$.", "$..n", "$.*", "$[*]", "$[-1]", "$[1:2]", "$[a]", "$['']", "$['a", "$[\"a']", "$.a-b",
		"$.a b", "$.a ", " $.a", "$[?@.a]", "$['a','b']", "$[9999999]", `$['\n']`, "$" + strings.Repeat(".a", 33),
	} {
		if p, err := meter.ParsePath(text); err == nil {
			t.Errorf("%q is the path %v", text, p)
		}
	}
}

func TestUnits(t *testing.T) {
	for _, unit := range []string{"pages", "request", "tokens", "a", "gpu_seconds2", "request_bytes"} {
		if err := meter.CheckUnit(unit); err != nil {
			t.Errorf("%s: %v", unit, err)
		}
	}
	for _, unit := range []string{"", "Pages", "1a", "_a", "a b", "a-b", "prompt_tokens", "audio_tokens", "xtokens", strings.Repeat("a", 40)} {
		if meter.CheckUnit(unit) == nil {
			t.Errorf("%q is a unit", unit)
		}
	}
}

// Whatever the path and the body: no panic, and a count is a plain decimal that the ledger's sums can hold.
func FuzzPath(f *testing.F) {
	for _, path := range []string{"$.n", "$.a[0]['b c'].n", "$[1]"} {
		for _, body := range []string{`{"n":1}`, `{"a":[{"b c":{"n":"1.5e3"}}]}`, `[0,1e-9]`, `{"n":1`, "\xff", `{"n":0.00000000005}`} {
			f.Add(path, body)
		}
	}
	form := regexp.MustCompile(`^(?:0|[1-9][0-9]{0,27})(?:\.[0-9]{0,8}[1-9])?$`)
	f.Fuzz(func(t *testing.T, text, body string) {
		p, err := meter.ParsePath(text)
		if err != nil {
			return
		}
		r, ok := meter.Meter{Unit: "u", From: meter.ResponseJSON(p)}.Read(&logentry.Entry{ResponseBody: &body})
		if !ok {
			return
		}
		if !form.MatchString(r.Amount) {
			t.Fatalf("amount %q", r.Amount)
		}
		if n, ok := new(big.Rat).SetString(r.Amount); !ok || n.Sign() < 0 {
			t.Fatalf("amount %q is no number", r.Amount)
		}
	})
}
