package ledger_test

import (
	"encoding/json"
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/shared/billingkey"
)

// happened is what happened in a request that several loggers tell of.
type happened struct {
	method, uri, body string
	status            int
	// answers are as much of the answer as a logger may keep of it, from nothing on.
	answers []string
}

var allHappened = []happened{
	{"POST", "/v1/messages", asksModel, 200, []string{"", messageStart, messageStart + messageLater, messageStart + messageLater + messageEnd}},
	{"POST", "/v1/messages", asksModel, 499, []string{"", messageStart, messageStart + messageLater}},
	{"POST", "/v1/messages", asksModel, 500, []string{"", `{"error":{"type":"api_error"},"usage":{"input_tokens":25,"output_tokens":3}}`}},
	{"GET", storedPath, "", 200, []string{"", `{"id":"resp_1","model":"gpt-5","usage":{"input_tokens":25,"output_tokens":3,"total_tokens":28}}`}},
	{"POST", storedPath, `{"metadata":{}}`, 200, []string{"", `{"id":"resp_1","model":"gpt-5","usage":{"input_tokens":25,"output_tokens":3,"total_tokens":28}}`}},
	{"POST", storedPath, asksModel, 200, []string{"", `{"id":"resp_1","model":"gpt-5","usage":{"input_tokens":25,"output_tokens":3,"total_tokens":28}}`}},
	{"GET", "/orders/7", "", 200, []string{"", `{"id":7}`}},
}

const (
	storedPath   = "/v1/responses/resp_1"
	asksModel    = `{"model":"gpt-5","messages":[]}`
	messageStart = `data: {"type":"message_start","message":{"id":"msg_1","model":"gpt-5","usage":{"input_tokens":25,"output_tokens":1}}}` + "\n\n"
	messageLater = `data: {"type":"message_delta","delta":{},"usage":{"output_tokens":5000}}` + "\n\n"
	messageEnd   = `data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":5015}}` + "\n\n" +
		`data: {"type":"message_stop"}` + "\n\n"
)

// view is what one logger tells of a request: by the default format, or by a log_format that has some of its fields.
type view struct {
	answer                  string
	asks                    bool // the request's body too
	gateway, stamp          bool
	custom                  bool
	consumer, route, status bool
	service, method, uri    bool
}

// anyView is the view of one of several loggers.
func anyView(random *mathrand.Rand, what *happened, of int) view {
	some := func() bool { return random.IntN(2) == 0 }
	v := view{answer: what.answers[max(0, random.IntN(len(what.answers)+1)-1)], asks: some(), gateway: some(), stamp: some(), custom: some()}
	v.consumer, v.route, v.service, v.status = some(), some(), some(), some()
	v.gateway = v.gateway || !v.stamp // else nothing says which request it is
	v.method, v.uri = some(), some()
	if of > 2 {
		// Of two copies each may know anything. With a third, who keeps answers but not of what can hide from the record that
		// another saw both; and who lacks more decides nothing between two that differ over whether it was a call.
		disputed := what.uri == storedPath && what.body == asksModel
		v.method, v.uri, v.status = v.method || disputed || v.answer != "", v.uri || disputed || v.answer != "", v.status || disputed
	}
	v.asks = v.asks && what.body != ""
	return v
}

// entry is the log entry of the view.
func (v *view) entry(what *happened, id, stamp string) json.RawMessage {
	e := map[string]any{}
	put := func(to map[string]any, when bool, name string, value any) {
		if when {
			to[name] = value
		}
	}
	if v.custom {
		e["msec"], e["request_time"] = 1795347865.718, 0.003
		put(e, v.gateway, "billing_request_id", id)
		put(e, v.stamp, "billing_stamp", stamp)
		put(e, v.consumer, "consumer_name", "alice")
		put(e, v.route, "route_id", "r1")
		put(e, v.service, "service_id", "s1")
		put(e, v.status, "status", what.status)
		put(e, v.method, "request_method", what.method)
		put(e, v.uri, "request_uri", what.uri)
		put(e, v.asks, "request_body", what.body)
		put(e, v.answer != "", "resp_body", v.answer)
	} else {
		headers := map[string]any{"host": "h"}
		put(headers, v.stamp, "x-billing-stamp", stamp)
		request := map[string]any{"method": what.method, "uri": what.uri, "size": 200, "headers": headers}
		response := map[string]any{"status": what.status, "size": 300, "headers": map[string]any{}}
		put(request, v.asks, "body", what.body)
		put(response, v.answer != "", "body", v.answer)
		put(e, v.gateway, "billing", map[string]any{"request_id": id})
		e["route_id"], e["service_id"], e["consumer"] = "r1", "s1", map[string]any{"username": "alice"}
		e["client_ip"], e["start_time"], e["latency"] = "10.0.0.1", 1795347865715, 3
		e["request"], e["response"] = request, response
	}
	text, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	return text
}

// orders are all orders of n things.
func orders(n int) [][]int {
	if n == 0 {
		return [][]int{nil}
	}
	var all [][]int
	for _, shorter := range orders(n - 1) {
		for at := range n {
			all = append(all, slices.Insert(slices.Clone(shorter), at, n-1))
		}
	}
	return all
}

// What several loggers tell of a request becomes the same record, whichever of them comes first, in one transaction or in
// one each; and when all come again, nothing changes any more.
func TestCopiesInAnyOrder(t *testing.T) {
	began := time.UnixMilli(1795347865715)
	sealer, d := stamping(t, began)
	dsn := migrated(t)
	w, db := ledgerOf(t, dsn), connect(t, dsn)
	random := mathrand.New(mathrand.NewPCG(3, 9))
	seen := map[string]bool{}
	for range 40 {
		what := allHappened[random.IntN(len(allHappened))]
		views := make([]view, 2+random.IntN(3))
		for i := range views {
			views[i] = anyView(random, &what, len(views))
		}
		// Each order is of a request of its own; steps are the transactions.
		steps := make([]record.Unit, len(views))
		var ids []string
		names := map[string]string{}
		for _, order := range orders(len(views)) {
			for _, together := range []bool{false, true} {
				id := billingkey.RequestID(someID())
				stamp, err := sealer.Seal(billingkey.Stamp{
					RequestID: id, IDSource: billingkey.IDFromVar, Consumer: "alice", Time: began, Runner: "gw",
					IdempotencyKey: id.String(), Dimensions: map[string]string{"tenant": "t1"},
				})
				if err != nil {
					t.Fatal(err)
				}
				ids = append(ids, id.String())
				names[id.String()] = fmt.Sprintf("%v, together: %v", order, together)
				for i, of := range order {
					u := d.Unit(record.Origin{Topic: "t"}, views[of].entry(&what, id.String(), stamp))
					if together {
						i = 0
					}
					steps[i].Records = append(steps[i].Records, u.Records...)
				}
			}
		}
		copies := 0
		for _, u := range steps {
			if o := commit(t, w, u); o.Conflict != 0 {
				t.Errorf("%+v: %d conflicts", views, o.Conflict)
			}
			copies += len(u.Records)
		}
		if copies != len(ids)*len(views) {
			t.Fatalf("%+v: %d copies, want %d", views, copies, len(ids)*len(views))
		}
		results := map[string][]string{} // the orders that lead to each
		for _, id := range ids {
			row := value[string](t, db, `SELECT CONCAT_WS(' ', key_source, key_state, idempotency_key IS NOT NULL, IFNULL(consumer, '?'),
				IFNULL(route_id, '?'), IFNULL(service_id, '?'), IFNULL(status, '?'), IFNULL(model, '?'), prompt_tokens, completion_tokens, total_tokens,
				cached_tokens, cache_write_tokens, reasoning_tokens, audio_tokens, IFNULL(quantities, '-'), usage_state, usage_source,
				IFNULL(usage_json, '-'), billable, billable_reason, repeat_of IS NOT NULL, IFNULL(dimensions, '-'),
				IFNULL(stamp_runner, '-'), IFNULL(HEX(stamp_epoch), '-'), stamp_sequence IS NOT NULL, FIND_IN_SET('usage_differs', marks) > 0)
				FROM mq_consume_log WHERE request_id = ?`, id)
			results[row] = append(results[row], names[id])
			for word := range strings.FieldsSeq(row) {
				seen[word] = true
			}
		}
		if len(results) != 1 {
			t.Errorf("%s %s %d, told as %+v: it hangs on the order:", what.method, what.uri, what.status, views)
			for row, orders := range results {
				t.Errorf("  %s after %s", row, strings.Join(orders, "; "))
			}
		}
		revisions := value[int](t, db, "SELECT SUM(revision) FROM mq_consume_log")
		for _, u := range steps {
			wantOutcome(t, commit(t, w, u), ledger.Outcome{Duplicate: len(u.Records)})
		}
		if n := value[int](t, db, "SELECT SUM(revision) FROM mq_consume_log"); n != revisions {
			t.Errorf("%+v: coming again, they changed the record", views)
		}
		if t.Failed() {
			break
		}
	}
	checkSums(t, db)
	if done, lines := verify(t, storeOf(t, dsn).Totals()); done.Differences != 0 {
		t.Errorf("verify: %v", lines)
	}
	for _, word := range []string{"stored_answer", "status_with_usage", "aborted_with_usage", "aborted", "success", "partial", "exact",
		"missing", "verified", "absent", "?"} {
		if !seen[word] {
			t.Errorf("nothing of %q came about: the test tests too little", word)
		}
	}
}
