package nginx

import (
	"slices"
	"testing"
	"time"
)

func TestHeaderNames(t *testing.T) {
	h := Header{{"X-Billing-Stamp", "a"}, {"Host", "h"}, {"x-billing-stamp", "b"}, {"X_Billing_Stamp", "c"}}

	if got, _ := h.Variable("x_billing_stamp"); got != "a, b, c" {
		t.Errorf("variable of three lines = %q, want all values joined", got)
	}
	set := h.Clone()
	set.Set("X-BILLING-STAMP", "own")
	want := Header{{"X-Billing-Stamp", "own"}, {"Host", "h"}, {"X_Billing_Stamp", "c"}}
	if !slices.Equal(set, want) {
		t.Errorf("Set: %v, want %v: the first line replaced, its repeats gone, the underscore name untouched", set, want)
	}
	del := h.Clone()
	del.Del("x_billing_stamp")
	if got, _ := del.Variable("x_billing_stamp"); got != "a, b" {
		t.Errorf("after deleting the underscore name: %q, want the two others", got)
	}
	empty := h.Clone()
	empty.Set("Host", "")
	if empty.Has("host") {
		t.Error("an empty value did not delete the header")
	}
	if _, found := h.Variable("x_absent"); found {
		t.Error("a variable without a header has a value")
	}
}

func TestShownHeadersEndAtTheLimit(t *testing.T) {
	var h Header
	for range 120 {
		h.Add("X-Filler", "f")
	}
	h.Add("X-Billing-Stamp", "s")
	if got := h.Shown(); len(got) != 100 || got.Has("X-Billing-Stamp") {
		t.Errorf("%d headers shown, want 100 without the last", len(got))
	}
	if got, _ := h.Variable("x_billing_stamp"); got != "s" {
		t.Errorf("variable behind the limit = %q, want s", got)
	}
}

func TestArgs(t *testing.T) {
	got := ParseArgs("a=1&b=2&b=%41+c&flag&=x&bad=%zz&e=", 0)
	want := []Arg{{"a", "1", false}, {"b", "2", false}, {"b", "A c", false}, {"flag", "", true}, {"bad", "%zz", false}, {"e", "", false}}
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if got := ParseArgs("a=1&b=2&c=3", 2); len(got) != 2 {
		t.Errorf("limit 2 gave %v", got)
	}
}

func TestVariables(t *testing.T) {
	start := time.UnixMilli(1795348053129)
	x := &Exchange{
		ID: "0123", Method: "GET", URI: "/a%20b?tenant=t1", RemoteAddr: "10.0.0.1", Status: 200,
		Header: Header{{"Host", "Api.Example:9080"}}, Start: start, End: start.Add(7 * time.Millisecond),
		AnswerHeader: Header{{"X-Billing-Request-Id", "0123"}},
	}
	for name, want := range map[string]any{
		"request_id": "0123", "request_time": 0.007, "msec": "1795348053.136", "status": 200.0, "host": "api.example",
		"arg_tenant": "t1", "uri": "/a b", "sent_http_x_billing_request_id": "0123", "remote_addr": "10.0.0.1",
		"consumer_name": nil, "http_x_none": nil, "upstream_addr": nil, "no_such_variable": nil, "route_id": nil,
	} {
		if got, _ := x.Var(name); got != want {
			t.Errorf("$%s = %v, want %v", name, got, want)
		}
	}
}

func TestFormatNumber(t *testing.T) {
	start, end := 1795348053.129, 1795348053.530
	for v, want := range map[float64]string{(end - start) * 1000: "401.00002288818", start * 1000: "1795348053129", 0: "0", 372: "372"} {
		if got := FormatNumber(v); got != want {
			t.Errorf("%v printed as %s, want %s", v, got, want)
		}
	}
}
