package ledger_test

import (
	"database/sql"
	"sync"
	"testing"

	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/record"
)

// withoutBody is a copy whose logger kept no bodies.
func withoutBody(r record.Record) record.Record {
	r.Usage = record.Usage{State: record.UsageMissing, Source: record.UsageFromNone}
	r.Body = "{}"
	return r
}

func TestBetterCopyRaisesTheRecord(t *testing.T) {
	full := request(someID())
	poor := withoutBody(full)
	for _, tt := range []struct {
		name     string
		units    []record.Unit
		outcome  ledger.Outcome // of the last
		revision int
	}{
		{"the poor one first", []record.Unit{unit(poor), unit(full)}, ledger.Outcome{Duplicate: 1, Raised: 1}, 2},
		{"the full one first", []record.Unit{unit(full), unit(poor)}, ledger.Outcome{Duplicate: 1}, 1},
		{"both at once", []record.Unit{unit(poor, full)}, ledger.Outcome{Recorded: 1, Duplicate: 1}, 1},
		{"raised once only", []record.Unit{unit(poor), unit(full), unit(full, poor)}, ledger.Outcome{Duplicate: 2}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, db := fresh(t)
			var last ledger.Outcome
			for _, u := range tt.units {
				last = commit(t, w, u)
			}
			wantOutcome(t, last, tt.outcome)
			var state, source, body, model string
			var total, revision int
			if err := db.QueryRow("SELECT usage_state, usage_source, body, model, total_tokens, revision FROM mq_consume_log").
				Scan(&state, &source, &body, &model, &total, &revision); err != nil {
				t.Fatal(err)
			}
			if state != "exact" || source != "body" || body != full.Body || model != "gpt" || total != 15 || revision != tt.revision {
				t.Errorf("%s %s %s %s %d revision %d, want revision %d", state, source, body, model, total, revision, tt.revision)
			}
			checkSums(t, db)
		})
	}
}

func TestCopyFillsInWhoIsBilled(t *testing.T) {
	w, db := fresh(t)
	full := request(someID())
	nameless := full
	nameless.Consumer, nameless.RouteID, nameless.ServiceID = nil, nil, nil
	commit(t, w, unit(nameless))
	wantOutcome(t, commit(t, w, unit(full)), ledger.Outcome{Duplicate: 1, Raised: 1})
	wantOutcome(t, commit(t, w, unit(nameless)), ledger.Outcome{Duplicate: 1})
	if got := value[string](t, db, "SELECT CONCAT_WS(' ', consumer, route_id, service_id, revision) FROM mq_consume_log"); got != "alice r1 s1 2" {
		t.Errorf("stored %q", got)
	}
	checkSums(t, db)
}

func TestTwoSureCopiesThatDiffer(t *testing.T) {
	w, db := fresh(t)
	first := request(someID())
	second := first
	second.Usage.PromptTokens, second.Usage.TotalTokens = 1000, 1005
	commit(t, w, unit(first))
	wantOutcome(t, commit(t, w, unit(second)), ledger.Outcome{Duplicate: 1})
	wantOutcome(t, commit(t, w, unit(second)), ledger.Outcome{Duplicate: 1})
	if got := value[string](t, db, "SELECT CONCAT_WS(' ', total_tokens, marks, revision) FROM mq_consume_log"); got != "15 usage_differs 1" {
		t.Errorf("stored %q", got)
	}
	checkSums(t, db)
}

func TestRaisersAtOnce(t *testing.T) {
	w, db := fresh(t, func(o *ledger.Options) { o.Writers, o.MaxRows = 6, 4 })
	for range 20 {
		full := request(someID())
		partial := full
		partial.Usage.State, partial.Usage.CompletionTokens, partial.Usage.TotalTokens = record.UsagePartial, 0, 10
		nameless := withoutBody(full)
		nameless.Consumer = nil
		var wg sync.WaitGroup
		for _, r := range []record.Record{nameless, withoutBody(full), partial, full, full, partial} {
			wg.Go(func() { commit(t, w, unit(r)) })
		}
		wg.Wait()
	}
	var rows, exact int
	var tokens sql.NullInt64
	if err := db.QueryRow(`SELECT COUNT(*), SUM(usage_state = 'exact' AND consumer = 'alice' AND duplicates = 5),
		SUM(total_tokens) FROM mq_consume_log`).Scan(&rows, &exact, &tokens); err != nil {
		t.Fatal(err)
	}
	if rows != 20 || exact != 20 || tokens.Int64 != 20*15 {
		t.Errorf("%d rows, %d exact with 5 duplicates, %d tokens; want 20, 20, 300", rows, exact, tokens.Int64)
	}
	checkSums(t, db)
}
