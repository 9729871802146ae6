package check

import (
	"database/sql"
	"strings"
	"testing"
	"time"

	"gateway-billing.internal/shared/testkit/chaos/traffic"
	"gateway-billing.internal/shared/testkit/chaos/truth"
	"gateway-billing.internal/shared/testkit/gateway"
	"gateway-billing.internal/shared/testkit/gateway/upstream"
)

func pair() (*truth.Request, record) {
	return &truth.Request{
			Truth: gateway.Truth{
				RequestID: "0123", Start: time.UnixMilli(7), Consumer: "acme", Route: "chat", Status: 200, Stamp: "v1.x",
				Usage: &upstream.Usage{Prompt: 5, Completion: 3, Cached: 2, Reasoning: 1},
			},
			Intent: truth.Intent{Serial: 9, Unstamped: []string{"absent"}},
		}, record{
			requestID: sql.NullString{String: "0123", Valid: true}, consumer: sql.NullString{String: "acme", Valid: true},
			route: sql.NullString{String: "chat", Valid: true}, keySource: "gateway", keyState: "verified", usageState: "exact",
			status: sql.NullInt64{Int64: 200, Valid: true}, prompt: 5, completion: 3, total: 8, cached: 2, reasoned: 1, billable: true,
		}
}

func TestEveryFigureOfARecordIsCompared(t *testing.T) {
	request, right := pair()
	if wrong := compare(request, right, traffic.Default); len(wrong) > 0 {
		t.Fatalf("the right record differs: %v", wrong)
	}
	for what, change := range map[string]func(*record){
		"request_id":  func(r *record) { r.requestID.String = "4567" },
		"consumer":    func(r *record) { r.consumer.Valid = false },
		"route":       func(r *record) { r.route.String = "open" },
		"status":      func(r *record) { r.status.Int64 = 502 },
		"prompt":      func(r *record) { r.prompt++ },
		"completion":  func(r *record) { r.completion = 0 },
		"total":       func(r *record) { r.total++ },
		"cached":      func(r *record) { r.cached++ },
		"reasoning":   func(r *record) { r.reasoned++ },
		"usage_state": func(r *record) { r.usageState = "partial" },
		"billable":    func(r *record) { r.billable = false },
		"key_source":  func(r *record) { r.keySource = "fingerprint" },
		"key_state":   func(r *record) { r.keyState = "forged" },
	} {
		bad := right
		change(&bad)
		if wrong := compare(request, bad, traffic.Default); len(wrong) != 1 || !strings.HasPrefix(wrong[0], what+":") {
			t.Errorf("%s: %v", what, wrong)
		}
	}
}

func TestAForgeryMustBeMarked(t *testing.T) {
	request, r := pair()
	request.Stamp, request.Unstamped = "", []string{"forged"}
	if wrong := compare(request, r, traffic.Default); len(wrong) != 1 {
		t.Errorf("a forged stamp that was believed: %v", wrong)
	}
	if r.keyState = "forged"; len(compare(request, r, traffic.Default)) != 0 {
		t.Error("a forged stamp that was seen")
	}
}

func TestOneAttemptAtAnOrderIsBilled(t *testing.T) {
	yes, no := record{billable: true}, record{}
	for want, attempts := range map[int][]record{0: {no, yes, no}, 1: {no, no, no}, 2: {yes, yes, no}} {
		report := &Report{}
		checkOrders(map[string][]record{"7": attempts}, report)
		if (len(report.Differences) == 0) != (want == 0) {
			t.Errorf("%v: %v", attempts, report.Differences)
		}
	}
}
