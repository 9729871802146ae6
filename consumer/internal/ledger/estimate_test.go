package ledger_test

import (
	"testing"

	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/record"
)

// Of two copies of a request that its client gave up, the one that knows the tokens makes them billable.
func TestTokensOfAnAbortedRequestAreBilled(t *testing.T) {
	full := request(someID(), func(r *record.Record) {
		r.Status, r.Billable, r.BillableReason = new(499), true, record.BillableAbortedWithUsage
	})
	poor := withoutBody(full)
	poor.Billable, poor.BillableReason = false, record.NotBillableAborted
	for name, units := range map[string][]record.Unit{
		"the poor one first": {unit(poor), unit(full)},
		"the full one first": {unit(full), unit(poor)},
		"both at once":       {unit(poor, full)},
	} {
		t.Run(name, func(t *testing.T) {
			w, db := fresh(t)
			for _, u := range units {
				commit(t, w, u)
			}
			got := value[string](t, db, "SELECT CONCAT_WS(' ', billable, billable_reason, total_tokens) FROM mq_consume_log")
			if got != "1 aborted_with_usage 15" {
				t.Errorf("stored %s", got)
			}
			checkSums(t, db)
		})
	}
}

// What was estimated or not known goes with the counts that it spoke of, and is in no sum of tokens.
func TestExactCopyTakesTheEstimatesPlace(t *testing.T) {
	full := request(someID())
	poor := withoutBody(full)
	poor.Usage.EstimatedTokens = new(int64(99))
	poor.Usage.Quantities = []record.Quantity{{Unit: "credits", Amount: "2"}}
	poor.Marks = []string{"cut:uri", "estimated", "meter:pages", "rounded:credits"}
	for name, units := range map[string][]record.Unit{
		"one after the other": {unit(poor), unit(full)},
		"both at once":        {unit(poor, full)},
	} {
		t.Run(name, func(t *testing.T) {
			w, db := fresh(t)
			for i, u := range units {
				commit(t, w, u)
				if i == 0 && len(units) > 1 {
					const stored = "SELECT CONCAT_WS(' ', estimated_tokens, total_tokens, usage_state, marks) FROM mq_consume_log"
					if got := value[string](t, db, stored); got != "99 0 missing cut:uri,estimated,meter:pages,rounded:credits" {
						t.Errorf("the poor copy: %s", got)
					}
					if got := value[int](t, db, "SELECT COUNT(*) FROM usage_delta WHERE unit LIKE '%tokens' OR total_tokens <> 0"); got != 0 {
						t.Errorf("%d deltas of tokens that were estimated", got)
					}
				}
			}
			const stored = "SELECT CONCAT_WS(' ', IFNULL(estimated_tokens, '-'), total_tokens, usage_state, marks) FROM mq_consume_log"
			if got := value[string](t, db, stored); got != "- 15 exact cut:uri" {
				t.Errorf("the record: %s", got)
			}
			if got := value[string](t, db, "SELECT CAST(COALESCE(SUM(quantity), 0) AS CHAR) FROM usage_delta WHERE unit = 'credits'"); got != "0.000000000" && got != "0" {
				t.Errorf("credits %s", got)
			}
			wantOutcome(t, commit(t, w, unit(poor)), ledger.Outcome{Duplicate: 1})
			if got := value[string](t, db, stored); got != "- 15 exact cut:uri" {
				t.Errorf("the record behind a poor copy: %s", got)
			}
		})
	}
}
