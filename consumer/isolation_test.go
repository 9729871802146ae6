package main_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// hostile is an entry whose client or upstream chose a value, or whose gateway is broken.
type hostile struct {
	change func(entry map[string]any)
	// reason is the dead letter's; empty for a record, then mark is one of its marks.
	reason, mark string
	// state is the usage_state of the record; empty for exact.
	state string
}

func request(name string, value any) func(map[string]any) {
	return func(e map[string]any) { e["request"].(map[string]any)[name] = value }
}

func response(name string, value any) func(map[string]any) {
	return func(e map[string]any) { e["response"].(map[string]any)[name] = value }
}

func answer(usage string) func(map[string]any) {
	return response("body", `{"model":"m","usage":`+usage+`}`)
}

var hostiles = map[string]hostile{
	"a URI of 9 KB":             {change: request("uri", "/v1/chat/completions?q="+strings.Repeat("u", 9<<10)), mark: "cut:uri"},
	"a method of 1 KB":          {change: request("method", strings.Repeat("M", 1<<10)), mark: "cut:method", state: "none"},
	"a huge model":              {change: response("body", `{"model":"`+strings.Repeat("m", 1<<20)+`","usage":{"prompt_tokens":1,"completion_tokens":1}}`), mark: "cut:model"},
	"counts beyond range":       {change: answer(`{"prompt_tokens":1e400,"completion_tokens":99999999999999999999}`), state: "missing"},
	"negative counts":           {change: answer(`{"prompt_tokens":-5,"completion_tokens":-1,"total_tokens":-6}`), state: "missing"},
	"NUL bytes":                 {change: request("uri", "/v1/chat/\x00completions\x00")},
	"a URI that is a number":    {change: request("uri", 7), mark: "bad:request.uri"},
	"headers that are a text":   {change: request("headers", "none"), mark: "bad:request.headers"},
	"a body nested deeply":      {change: response("body", strings.Repeat(`{"a":[`, 100_000)), state: "missing"},
	"a million quotes":          {change: response("body", strings.Repeat(`"`, 1<<20)), state: "missing"},
	"a latency of an eternity":  {change: func(e map[string]any) { e["latency"] = 1e300 }, mark: "bad:latency"},
	"a time in the year 9999":   {change: func(e map[string]any) { e["start_time"] = 253370764800000 }, reason: "bad_value:start_time"},
	"a time that is none":       {change: func(e map[string]any) { e["start_time"] = "noon" }, reason: "bad_value:start_time"},
	"no time":                   {change: func(e map[string]any) { delete(e, "start_time") }, reason: "no_start_time"},
	"neither time nor ID":       {change: func(e map[string]any) { delete(e, "start_time"); delete(e, "billing") }, reason: "no_identity"},
	"a status that is none":     {change: response("status", "teapot"), reason: "bad_value:response.status"},
	"a consumer that is a list": {change: func(e map[string]any) { e["consumer"] = []string{"alice"} }, reason: "bad_value:consumer"},
}

// Whatever a client or an upstream chooses still gives a record, cut and marked where it must be; what only the gateway
// makes gives a dead letter with its reason where it is nonsense. Neither touches the entries beside it.
func TestHostileEntriesStayAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	send := w.producer(t)
	w.start(t)
	names := slices.Sorted(maps.Keys(hostiles))
	for i, name := range names {
		var e map[string]any
		if err := json.Unmarshal([]byte(entry(3*i+1)), &e); err != nil {
			t.Fatal(err)
		}
		hostiles[name].change(e)
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		send([]byte("[" + entry(3*i) + "," + string(text) + "," + entry(3*i+2) + "]"))
	}
	// Bytes that are no UTF-8 stand in the message itself.
	n := 3 * len(names)
	send([]byte("[" + entry(n) + "," + strings.Replace(entry(n+1), "/v1/chat/completions", "/v1/\xff\xfe\xc3/completions", 1) + "]"))
	w.settled(t)

	for i, name := range names {
		h := hostiles[name]
		for _, neighbour := range []int{3 * i, 3*i + 2} {
			if got := w.count(t, "SELECT COUNT(*) FROM mq_consume_log WHERE request_id = ? AND total_tokens = ?",
				fmt.Sprintf("%032x", neighbour+1), 10+neighbour%100); got != 1 {
				t.Errorf("%s: its neighbour has %d records", name, got)
			}
		}
		records := w.count(t, `SELECT COUNT(*) FROM mq_consume_log WHERE request_id = ? AND FIND_IN_SET(?, CONCAT(marks, ',')) > 0
			AND usage_state = ? AND (usage_state = 'exact' OR total_tokens = 0)`,
			fmt.Sprintf("%032x", 3*i+2), h.mark, cmp.Or(h.state, "exact"))
		if want := map[bool]int{true: 1}[h.reason == ""]; records != want {
			t.Errorf("%s: %d records with the mark %q and usage %q, want %d", name, records, h.mark, h.state, want)
		}
	}
	var reasons []string
	for _, name := range names {
		if r := hostiles[name].reason; r != "" {
			reasons = append(reasons, r)
		}
	}
	for _, reason := range slices.Compact(slices.Sorted(slices.Values(reasons))) {
		want := 0
		for _, r := range reasons {
			if r == reason {
				want++
			}
		}
		if got := w.count(t, "SELECT COUNT(*) FROM dead_letter WHERE reason = ? AND entry_index = 1", reason); got != want {
			t.Errorf("%d dead letters %s, want %d", got, reason, want)
		}
	}
	if got := w.count(t, "SELECT COUNT(*) FROM dead_letter"); got != len(reasons) {
		t.Errorf("%d dead letters, want %d", got, len(reasons))
	}
	if got := w.count(t, "SELECT COUNT(*) FROM mq_consume_log WHERE request_id IN (?, ?)", fmt.Sprintf("%032x", n+1), fmt.Sprintf("%032x", n+2)); got != 2 {
		t.Errorf("%d records of the message with bytes that are no UTF-8", got)
	}
}
