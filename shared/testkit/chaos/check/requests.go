package check

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gateway-billing.internal/shared/testkit/chaos/traffic"
	"gateway-billing.internal/shared/testkit/chaos/truth"
)

// requests holds each request against its record: there is exactly one, with the key, the APISIX consumer, the tokens
// and the billing of the truth.
func requests(ctx context.Context, run Run, report *Report) error {
	records, err := readRecords(ctx, run.DB)
	if err != nil {
		return err
	}
	all := run.Book.Requests()
	orders := map[string][]record{}
	for _, serial := range slices.Sorted(maps.Keys(all)) {
		request, found := all[serial], records[serial]
		delete(records, serial)
		for _, r := range found {
			report.Records++
			report.Duplicates += r.duplicates
		}
		want := 1
		if request.Withheld {
			want = 0
		}
		if len(found) != want {
			report.differ("%s\n  want %d records, found %d: %v", line(request), want, len(found), found)
			continue
		}
		if want == 0 {
			continue
		}
		if wrong := compare(request, found[0], run.Profile); len(wrong) > 0 {
			report.differ("%s\n  %s\n  record %s", line(request), strings.Join(wrong, "; "), found[0])
		}
		if claims(request, run.Profile) {
			orders[request.Order] = append(orders[request.Order], found[0])
		}
	}
	for serial, strange := range records {
		report.differ("records of no request (n=%d): %v", serial, strange)
	}
	checkOrders(orders, report)
	return nil
}

// claims says whether only one of the attempts like this one is billed: the runner gave its stamp the idempotency key, and
// the gateway confirms the stamp.
func claims(t *truth.Request, profile traffic.Profile) bool {
	return t.Order != "" && t.Billable() && t.Stamp != "" && profile == traffic.Default
}

// checkOrders: of the attempts at an order that succeeded, one is billed.
func checkOrders(orders map[string][]record, report *Report) {
	for _, order := range slices.Sorted(maps.Keys(orders)) {
		billed := 0
		for _, r := range orders[order] {
			if r.billable {
				billed++
			} else {
				report.Repeats++
			}
		}
		if billed != 1 {
			report.differ("order %s: %d of its attempts that succeeded are billed, want 1: %v", order, billed, orders[order])
		}
	}
}

// compare says in which ways a record is not its request's.
func compare(t *truth.Request, r record, profile traffic.Profile) (wrong []string) {
	differ := func(what string, want, got any) {
		if want != got {
			wrong = append(wrong, fmt.Sprintf("%s: want %v, got %v", what, want, got))
		}
	}
	differ("consumer", fmt.Sprintf("%q", t.Consumer), text(r.consumer))
	differ("route", fmt.Sprintf("%q", t.Route), text(r.route))
	differ("status", int64(t.Status), r.status.Int64)
	var prompt, completion, cached, reasoned int64
	if t.Usage != nil {
		prompt, completion, cached, reasoned = t.Usage.Prompt, t.Usage.Completion, t.Usage.Cached, t.Usage.Reasoning
		differ("usage_state", "exact", r.usageState)
	}
	differ("prompt", prompt, r.prompt)
	differ("completion", completion, r.completion)
	differ("total", prompt+completion, r.total)
	differ("cached", cached, r.cached)
	differ("reasoning", reasoned, r.reasoned)
	if !claims(t, profile) { // see checkOrders
		differ("billable", t.Billable(), r.billable)
	}

	source := "gateway"
	if profile == traffic.OldGateway {
		source = "fingerprint"
		if t.Stamp != "" {
			source = "stamp"
		}
	}
	if !t.AnyState && (profile == traffic.Default || t.Trick != "moves") {
		differ("key_source", source, r.keySource)
	}
	if r.keySource == source && source != "fingerprint" && (profile == traffic.Default || t.Trick == "") {
		differ("request_id", fmt.Sprintf("%q", t.RequestID), text(r.requestID))
	}
	states := t.Unstamped
	if t.Stamp != "" {
		states = []string{"verified"}
	}
	if len(states) > 0 && !t.AnyState && !slices.Contains(states, r.keyState) {
		differ("key_state", strings.Join(states, " or "), r.keyState)
	}
	return wrong
}

// line is what the truth says of a request.
func line(t *truth.Request) string {
	trick := ""
	if t.Trick != "" {
		trick = ", whose client " + t.Trick
	}
	return fmt.Sprintf("request n=%d %s at %d ms%s: consumer %q, route %q, status %d, stamped %t, usage %+v",
		t.Serial, t.RequestID, t.Start.UnixMilli(), trick, t.Consumer, t.Route, t.Status, t.Stamp != "", t.Usage)
}
