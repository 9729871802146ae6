package ledger

import (
	"testing"

	"gateway-billing.internal/consumer/internal/record"
)

func TestSameRequest(t *testing.T) {
	base := figures{
		KeySource: "gateway", Consumer: new("alice"), RouteID: new("r1"), ClientIP: new("10.0.0.1"), Method: new("POST"),
		URI: new("/v1/chat?key=1"), Status: new(int32(200)), RequestSize: new(int64(1)), ResponseSize: new(int64(2)),
	}
	stamp := string(record.KeyFromStamp)
	tests := []struct {
		name   string
		change func(a, b *figures)
		want   bool
	}{
		{"equal", func(a, b *figures) {}, true},
		{"another APISIX consumer", func(a, b *figures) { b.Consumer = new("bob") }, false},
		{"names differ in case", func(a, b *figures) { b.Consumer = new("Alice") }, false},
		{"anonymous against a name", func(a, b *figures) { b.Consumer = new("") }, false},
		{"consumer unknown to one", func(a, b *figures) { b.Consumer = nil }, true},
		{"another route", func(a, b *figures) { b.RouteID = new("r2") }, false},
		{"route unknown to one", func(a, b *figures) { a.RouteID = nil }, true},
		{"another path under the gateway's own ID", func(a, b *figures) { b.URI = new("/v1/other") }, true},
		{"another path under a stamp", func(a, b *figures) { b.KeySource, b.URI = stamp, new("/v1/other") }, false},
		{"another path, the first under a stamp", func(a, b *figures) { a.KeySource, b.URI = stamp, new("/v1/other") }, false},
		{"another query, which a policy may cut", func(a, b *figures) { b.KeySource, b.URI = stamp, new("/v1/chat") }, true},
		{"another client under a stamp", func(a, b *figures) { b.KeySource, b.ClientIP = stamp, new("10.0.0.2") }, false},
		{"another method under a stamp", func(a, b *figures) { b.KeySource, b.Method = stamp, new("GET") }, false},
		{"another status under a stamp", func(a, b *figures) { b.KeySource, b.Status = stamp, new(int32(502)) }, false},
		{"another request size under a stamp", func(a, b *figures) { b.KeySource, b.RequestSize = stamp, new(int64(9)) }, false},
		{"another response size under a stamp", func(a, b *figures) { b.KeySource, b.ResponseSize = stamp, new(int64(9)) }, false},
		{"sizes unknown under a stamp", func(a, b *figures) { b.KeySource, b.RequestSize, b.ResponseSize = stamp, nil, nil }, true},
	}
	for _, tt := range tests {
		a, b := base, base
		tt.change(&a, &b)
		if got := sameRequest(&a, &b); got != tt.want {
			t.Errorf("%s: same = %v", tt.name, got)
		}
		if sameRequest(&a, &b) != sameRequest(&b, &a) {
			t.Errorf("%s: depends on the order", tt.name)
		}
	}
}

func TestBetterUsage(t *testing.T) {
	order := []record.UsageState{record.UsageNone, record.UsageMissing, record.UsagePartial, record.UsageExact}
	for i, have := range order {
		for j, copy := range order {
			got := better(&figures{UsageState: string(have)}, &figures{UsageState: string(copy)})
			if got != (j > i) {
				t.Errorf("%s over %s: %v", copy, have, got)
			}
		}
	}
}

func TestUsageOfOneState(t *testing.T) {
	some := func(prompt int64, quantities string) figures {
		f := figures{PromptTokens: prompt}
		if quantities != "" {
			f.Quantities = &quantities
		}
		return f
	}
	shown := some(2, "")
	shown.UsageShown = true
	pages, more := `[{"unit":"pages","quantity":"2"}]`, `[{"unit":"words","quantity":"7"},{"unit":"pages","quantity":"2.5"}]`
	for _, tt := range []struct {
		name       string
		have, copy figures
		// of a partial copy and of an exact one
		better, contradicts, contradictsSure bool
	}{
		{"equal", some(2, pages), some(2, `[{"unit":"pages","quantity":"2.0"}]`), false, false, false},
		{"more", some(2, pages), some(3, pages), true, false, true},
		{"less", some(3, pages), some(2, pages), false, false, true},
		{"another quantity", some(2, ""), some(2, pages), true, false, true},
		{"a quantity less", some(2, pages), some(2, ""), false, false, true},
		{"more of all quantities", some(2, pages), some(2, more), true, false, true},
		{"less of all quantities", some(2, more), some(2, pages), false, false, true},
		{"tokens against quantities", some(3, ""), some(2, pages), false, true, true},
		{"the answer seen", some(2, ""), shown, true, false, false},
		{"the answer seen before", shown, some(2, ""), false, false, false},
	} {
		have, copy := tt.have, tt.copy
		have.UsageState, copy.UsageState = string(record.UsagePartial), string(record.UsagePartial)
		if b, c := better(&have, &copy), contradicts(&have, &copy); b != tt.better || c != tt.contradicts {
			t.Errorf("%s: better %v, contradicts %v", tt.name, b, c)
		}
		have.UsageState, copy.UsageState = string(record.UsageExact), string(record.UsageExact)
		if b, c := better(&have, &copy), contradicts(&have, &copy); b || c != tt.contradictsSure {
			t.Errorf("%s, both sure: better %v, contradicts %v", tt.name, b, c)
		}
	}
}

func TestAmountsStayExact(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"0", "0"}, {"2", "2"}, {"0.125", "0.125"}, {"10", "10"}, {"999999999999999999.999999999", "999999999999999999.999999999"},
		{"1.000000001", "1.000000001"}, {"100.10", "100.1"},
	} {
		n, ok := parseAmount(tt.in)
		if !ok || formatAmount(n) != tt.want {
			t.Errorf("%s: %v, want %s", tt.in, n, tt.want)
		}
		if ok && n.Sign() != 0 && formatAmount(n.Neg(n)) != "-"+tt.want {
			t.Errorf("minus %s: %s", tt.in, formatAmount(n))
		}
	}
	for _, bad := range []string{"", "-1", "1e400", "1e400000000", ".5", "5.", "0x10", " 1", "1.0000000001", "1000000000000000000"} {
		if _, ok := parseAmount(bad); ok {
			t.Errorf("%q: taken", bad)
		}
	}
}

func TestMarksFitTheirColumn(t *testing.T) {
	long := make([]string, 0, 200)
	for i := range 200 {
		long = append(long, "cut:field_"+string(rune('a'+i%26))+string(rune('a'+i/26)))
	}
	joined := joinMarks(long)
	if len(joined) > maxMarks || len(joined) < maxMarks-20 || !hasMark(joined, "cut:field_aa") {
		t.Errorf("%d characters: %s", len(joined), joined)
	}
	if got := unionMarks("a,c", "b,c"); got != "a,b,c" {
		t.Errorf("union %s", got)
	}
}
