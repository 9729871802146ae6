package ledger_test

import (
	"fmt"
	"testing"

	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/shared/billingkey"
)

// inEachOrder lets two copies of a request come in each order, in one transaction and in one each, and again.
func inEachOrder(t *testing.T, query, want string, copies func() [2]record.Record) {
	t.Helper()
	w, db := fresh(t)
	for _, turned := range []bool{false, true} {
		for _, together := range []bool{false, true} {
			pair := copies()
			if turned {
				pair[0], pair[1] = pair[1], pair[0]
			}
			name := fmt.Sprintf("turned %v, together %v", turned, together)
			if together {
				wantOutcome(t, commit(t, w, unit(pair[:]...)), ledger.Outcome{Recorded: 1, Duplicate: 1})
			} else {
				commit(t, w, unit(pair[0]))
				commit(t, w, unit(pair[1]))
			}
			stored := func() string {
				return value[string](t, db, query+" FROM mq_consume_log WHERE billing_key = ?", pair[0].Key[:])
			}
			if got := stored(); got != want {
				t.Errorf("%s: stored %q, want %q", name, got, want)
			}
			revision := value[int](t, db, "SELECT revision FROM mq_consume_log WHERE billing_key = ?", pair[0].Key[:])
			if revision > 1 && together || revision > 2 {
				t.Errorf("%s: revision %d", name, revision)
			}
			wantOutcome(t, commit(t, w, unit(pair[1], pair[0])), ledger.Outcome{Duplicate: 2})
			if got := stored(); got != want {
				t.Errorf("%s: stored %q when both had come again", name, got)
			}
		}
	}
	if n := value[int](t, db, "SELECT COUNT(*) FROM ledger_change WHERE id NOT IN (SELECT change_id FROM mq_consume_log)"); n == 0 {
		t.Error("no record moved in the feed: no copy changed one that was there")
	}
	checkSums(t, db)
}

// storedAnswer is a GET of a stored answer, as a logger with bodies shows it and one without.
func storedAnswer(change ...func(*record.Record)) (seen, unseen record.Record) {
	seen = request(someID(), change...)
	seen.Method = new("GET")
	seen.Usage = record.Usage{State: record.UsageNone, Source: record.UsageFromNone, RawJSON: []byte(`{"total_tokens":1}`)}
	seen.Billable, seen.BillableReason = false, record.NotBillableStoredAnswer
	unseen = seen
	unseen.Usage.RawJSON = nil
	unseen.Billable, unseen.BillableReason = true, record.BillableSuccess
	return seen, unseen
}

func TestWhoKnowsMoreDecides(t *testing.T) {
	const decision = "SELECT CONCAT_WS(' ', billable, billable_reason, usage_state, total_tokens)"
	t.Run("the answer", func(t *testing.T) {
		inEachOrder(t, decision, "0 stored_answer none 0", func() [2]record.Record {
			seen, unseen := storedAnswer()
			return [2]record.Record{seen, unseen}
		})
	})
	t.Run("the answer, the other no method", func(t *testing.T) {
		inEachOrder(t, decision, "0 stored_answer missing 0", func() [2]record.Record {
			seen, unseen := storedAnswer()
			unseen.Method, unseen.Usage.State = nil, record.UsageMissing
			return [2]record.Record{seen, unseen}
		})
	})
	t.Run("that it is a call, the other the answer", func(t *testing.T) {
		inEachOrder(t, decision, "1 success missing 0", func() [2]record.Record {
			seen, asked := storedAnswer()
			seen.Method, asked.Method, asked.Usage.State = new("POST"), new("POST"), record.UsageMissing
			return [2]record.Record{seen, asked}
		})
	})
	t.Run("the path, the other the answer", func(t *testing.T) {
		inEachOrder(t, decision, "0 stored_answer exact 15", func() [2]record.Record {
			pathless := request(someID())
			pathless.URI = nil
			seen, _ := storedAnswer()
			seen.Key, seen.RequestID, seen.Method = pathless.Key, pathless.RequestID, new("POST")
			return [2]record.Record{seen, pathless}
		})
	})
	t.Run("the method, the other the status", func(t *testing.T) {
		inEachOrder(t, decision, "0 method exact 15", func() [2]record.Record {
			method := request(someID())
			method.Method, method.Status = new("DELETE"), nil
			method.Billable, method.BillableReason = false, record.NotBillableMethod
			status := request([16]byte(method.Key[6:]))
			status.Method = nil
			return [2]record.Record{method, status}
		})
	})
	t.Run("that the client went, the other the tokens", func(t *testing.T) {
		inEachOrder(t, decision, "1 aborted_with_usage exact 15", func() [2]record.Record {
			tokens := request(someID())
			tokens.Status, tokens.BillableReason = nil, record.BillableStatusUnknown
			went := withoutBody(tokens)
			went.Status, went.Billable, went.BillableReason = new(499), false, record.NotBillableAborted
			return [2]record.Record{tokens, went}
		})
	})
	t.Run("the model", func(t *testing.T) {
		inEachOrder(t, "SELECT model", "gpt", func() [2]record.Record {
			full := withoutBody(request(someID()))
			full.Usage.Model = new("gpt")
			return [2]record.Record{full, withoutBody(full)}
		})
	})
}

// The same copy under a policy that has changed is a duplicate, and changes nothing.
func TestChangedPolicyChangesNoRecord(t *testing.T) {
	for _, reason := range []string{record.NotBillableMethod, record.NotBillableStoredAnswer, record.NotBillableStatus} {
		w, db := fresh(t)
		seen, _ := storedAnswer()
		seen.Billable, seen.BillableReason = true, record.BillableSuccess
		commit(t, w, unit(seen))
		seen.Billable, seen.BillableReason = false, reason
		wantOutcome(t, commit(t, w, unit(seen)), ledger.Outcome{Duplicate: 1})
		if got := value[string](t, db, "SELECT CONCAT_WS(' ', billable, billable_reason, revision) FROM mq_consume_log"); got != "1 success 1" {
			t.Errorf("%s: stored %q", reason, got)
		}
		checkSums(t, db)
	}
}

// Who proves not to be billed by policy gives up the claim, whether it had it or was a repeat.
func TestClaimOfWhoIsNotBilled(t *testing.T) {
	order := func(r *record.Record) { r.IdempotencyKey = new("order-1") }
	seen, unseen := storedAnswer(order)
	second, third := attempt(1), attempt(2)
	for _, tt := range []struct {
		name  string
		units []record.Unit
		want  string
	}{
		{"before", []record.Unit{unit(unseen), unit(seen), unit(second), unit(third)}, "stored_answer success repeat"},
		{"beside it", []record.Unit{unit(unseen), unit(seen, second), unit(third)}, "stored_answer success repeat"},
		{"not at all", []record.Unit{unit(seen), unit(second), unit(unseen), unit(third)}, "stored_answer success repeat"},
		{"as a repeat", []record.Unit{unit(second), unit(unseen), unit(third), unit(seen)}, "stored_answer success repeat"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, db := fresh(t)
			for _, u := range append(tt.units, tt.units...) {
				commit(t, w, u)
			}
			if got := value[string](t, db, "SELECT GROUP_CONCAT(billable_reason ORDER BY request_time SEPARATOR ' ') FROM mq_consume_log"); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
			if n := value[int](t, db, "SELECT COUNT(*) FROM mq_consume_log WHERE (billable_reason = 'repeat') <> (repeat_of IS NOT NULL)"); n != 0 {
				t.Errorf("%d rows whose reason is not their state", n)
			}
			if n := value[int](t, db, "SELECT COUNT(*) FROM idempotency_claim c JOIN mq_consume_log l USING (billing_key) WHERE l.billable"); n != 1 {
				t.Errorf("%d claims are held by a billed request, want 1", n)
			}
			checkSums(t, db)
		})
	}
}

// stamped is a request with the runner's stamp, and a copy of it without.
func stamped() (with, without record.Record) {
	with = request(someID())
	with.Stamp = &record.StampInfo{Runner: "gw", Epoch: billingkey.NewEpoch(start, 1), Sequence: 7, Verified: true}
	with.Dimensions, with.IdempotencyKey = map[string]string{"tenant": "t1"}, new("order-1")
	with.Marks = []string{"cut:dimensions"}
	without = with
	without.KeyState, without.Stamp, without.Dimensions, without.IdempotencyKey, without.Marks = billingkey.Absent, nil, nil, nil, nil
	return with, without
}

const stampStored = `SELECT CONCAT_WS(' ', key_state, IFNULL(dimensions, '-'), IFNULL(stamp_runner, '-'), IFNULL(LENGTH(stamp_epoch), '-'),
	IFNULL(stamp_sequence, '-'), IFNULL(idempotency_key, '-'), marks)`

func TestCopyBringsTheStamp(t *testing.T) {
	const want = `verified {"tenant":"t1"} gw 14 7 order-1 cut:dimensions`
	t.Run("alone", func(t *testing.T) {
		inEachOrder(t, stampStored, want, func() [2]record.Record {
			with, without := stamped()
			return [2]record.Record{with, without}
		})
	})
	t.Run("with better usage", func(t *testing.T) {
		inEachOrder(t, stampStored, want, func() [2]record.Record {
			with, without := stamped()
			return [2]record.Record{with, withoutBody(without)}
		})
	})
	t.Run("beside better usage", func(t *testing.T) {
		inEachOrder(t, stampStored, want, func() [2]record.Record {
			with, without := stamped()
			return [2]record.Record{withoutBody(with), without}
		})
	})
}

func TestStampThatIsNotVerifiedFillsNothing(t *testing.T) {
	for _, state := range []billingkey.State{billingkey.Unsealed, billingkey.Forged, billingkey.Malformed} {
		w, db := fresh(t)
		with, without := stamped()
		with.KeyState, with.IdempotencyKey = state, nil
		commit(t, w, unit(without))
		wantOutcome(t, commit(t, w, unit(with)), ledger.Outcome{Duplicate: 1})
		if got := value[string](t, db, stampStored+" FROM mq_consume_log"); got != "absent - - - - - " {
			t.Errorf("%s: stored %q", state, got)
		}
	}
}

// A conflict gets its stamp too, and stays a conflict.
func TestConflictGetsItsStamp(t *testing.T) {
	w, db := fresh(t)
	with, without := stamped()
	other := without
	other.Consumer = new("bob")
	commit(t, w, unit(other))
	wantOutcome(t, commit(t, w, unit(without)), ledger.Outcome{Conflict: 1})
	for _, raised := range []int{1, 0} {
		wantOutcome(t, commit(t, w, unit(with)), ledger.Outcome{Duplicate: 1, Raised: raised})
	}
	if got := value[string](t, db, "SELECT CONCAT_WS(' ', key_state, dimensions, stamp_sequence) FROM mq_consume_log WHERE consumer = 'alice'"); got != `conflict {"tenant":"t1"} 7` {
		t.Errorf("stored %q", got)
	}
	checkSums(t, db)
}

func TestPartialCopies(t *testing.T) {
	partial := func(r record.Record, prompt, completion int64, quantities ...record.Quantity) record.Record {
		r.Usage.State, r.Usage.PromptTokens, r.Usage.CompletionTokens = record.UsagePartial, prompt, completion
		r.Usage.TotalTokens, r.Usage.Quantities = prompt+completion, quantities
		return r
	}
	const counts = "SELECT CONCAT_WS(' ', usage_state, prompt_tokens, completion_tokens, total_tokens, IFNULL(quantities, '-'), marks)"
	pages := record.Quantity{Unit: "pages", Amount: "2"}
	t.Run("one counts more", func(t *testing.T) {
		inEachOrder(t, counts, "partial 25 5000 5025 - ", func() [2]record.Record {
			r := request(someID())
			return [2]record.Record{partial(r, 25, 0), partial(r, 25, 5000)}
		})
	})
	t.Run("one counts something else too", func(t *testing.T) {
		inEachOrder(t, counts, `partial 25 0 25 [{"unit":"pages","quantity":"2"}] `, func() [2]record.Record {
			r := request(someID())
			return [2]record.Record{partial(r, 25, 0), partial(r, 25, 0, pages)}
		})
	})
	t.Run("each counts more of something", func(t *testing.T) {
		for _, together := range []bool{false, true} {
			w, db := fresh(t)
			r := request(someID())
			first, second := partial(r, 25, 0, pages), partial(r, 25, 5000)
			if together {
				commit(t, w, unit(first, second))
			} else {
				commit(t, w, unit(first))
				wantOutcome(t, commit(t, w, unit(second)), ledger.Outcome{Duplicate: 1})
			}
			stored := func() string { return value[string](t, db, counts+" FROM mq_consume_log") }
			if got := stored(); got != `partial 25 0 25 [{"unit":"pages","quantity":"2"}] usage_differs` {
				t.Errorf("stored %q", got)
			}
			commit(t, w, unit(r)) // who is sure ends it
			if got := stored(); got != "exact 10 5 15 - " {
				t.Errorf("stored %q behind an exact copy", got)
			}
			checkSums(t, db)
		}
	})
}
