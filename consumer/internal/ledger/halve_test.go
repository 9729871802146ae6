package ledger_test

import (
	"bytes"
	"math"
	"strings"
	"sync/atomic"
	"testing"

	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/record"
)

// A batch is halved for a poison record, and the answer to the first half's commit is lost: what the second half brings
// under a key of the first is still compared with it, and neither a conflict nor better usage is taken for the lost row.
func TestAnswerIsLostToOneHalf(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*record.Record)
		query  string
		want   string
		result ledger.Outcome
	}{
		{
			"another consumer", func(r *record.Record) { r.Consumer = new("bob") },
			"SELECT GROUP_CONCAT(CONCAT_WS(' ', consumer, key_state) ORDER BY consumer) FROM mq_consume_log WHERE consumer <> 'carol'",
			"alice verified,bob conflict",
			ledger.Outcome{Recorded: 2, Conflict: 1, Rejected: 1},
		},
		{
			"better usage", func(*record.Record) {},
			"SELECT CONCAT_WS(' ', usage_state, total_tokens) FROM mq_consume_log WHERE consumer = 'alice'",
			"exact 15",
			ledger.Outcome{Recorded: 2, Duplicate: 1, Raised: 1, Rejected: 1},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dsn := migrated(t)
			db := connect(t, dsn)
			exec(t, db, "ALTER TABLE mq_consume_log MODIFY provider_response_id VARCHAR(10)") // makes poison possible
			var armed atomic.Bool
			armed.Store(true)
			proxied, _ := through(t, dsn, func(piece []byte) verdict {
				if bytes.HasSuffix(piece, []byte("\x03COMMIT")) && armed.CompareAndSwap(true, false) {
					return swallow
				}
				return pass
			})
			w := ledgerOf(t, proxied)
			a := request(someID())
			b := a
			tt.change(&b)
			poison := request(someID(), func(r *record.Record) { r.Usage.ProviderResponseID = new("longer than that") })
			other := request(someID(), func(r *record.Record) { r.Consumer = new("carol") })
			wantOutcome(t, commit(t, w, unit(withoutBody(a), other, b, poison)), tt.result)
			if got := value[string](t, db, tt.query); got != tt.want {
				t.Errorf("stored %q, want %q", got, tt.want)
			}
			checkSums(t, db)
		})
	}
}

// A network that loses whatever is large is an outage, however well the server answers to small things: no record is
// blamed for it.
func TestNetworkThatLosesLargePieces(t *testing.T) {
	dsn := migrated(t)
	db := connect(t, dsn)
	var broken atomic.Bool
	var lost atomic.Int64
	broken.Store(true)
	proxied, _ := through(t, dsn, func(piece []byte) verdict {
		if broken.Load() && len(piece) > 3000 {
			lost.Add(1)
			return cut
		}
		return pass
	})
	w := ledgerOf(t, proxied)
	var u record.Unit
	for range 3 {
		u.Records = append(u.Records, request(someID(), func(r *record.Record) { r.Body = strings.Repeat("b", 4000) }))
	}
	go func() {
		for lost.Load() < 40 { // many more than would be blamed
			if t.Context().Err() != nil {
				return
			}
		}
		broken.Store(false)
	}()
	wantOutcome(t, commit(t, w, u), ledger.Outcome{Recorded: 3})
	if n := value[int](t, db, "SELECT COUNT(*) FROM dead_letter"); n != 0 {
		t.Errorf("%d dead letters", n)
	}
}

// A network that breaks each connection after some bytes of answers loses the long answer about a record that is there
// already, while it takes a new one: no record is blamed for that either.
func TestNetworkThatLosesLongAnswers(t *testing.T) {
	dsn := migrated(t)
	db := connect(t, dsn)
	u := unit(request(someID()), request(someID()))
	wantOutcome(t, commit(t, ledgerOf(t, dsn), u), ledger.Outcome{Recorded: 2})

	p := &proxy{judge: func([]byte) verdict { return pass }}
	p.most = func() int {
		if p.cuts.Load() < 25 { // more than would be blamed
			return 1000
		}
		return math.MaxInt
	}
	proxied, _ := throughProxy(t, dsn, p)
	wantOutcome(t, commit(t, ledgerOf(t, proxied), u), ledger.Outcome{Duplicate: 2})
	if n := value[int](t, db, "SELECT COUNT(*) FROM dead_letter"); n != 0 {
		t.Errorf("%d dead letters", n)
	}
}

// Whether a request is billable hangs on its status: a copy that does not know it changes nothing, one that does mends
// it, in whichever order they come.
func TestStatusDecidesWhatIsBillable(t *testing.T) {
	failed := request(someID(), func(r *record.Record) {
		r.Status, r.Billable, r.BillableReason = new(502), false, "status"
		r.Usage = record.Usage{State: record.UsageNone, Source: record.UsageFromNone}
	})
	blind := failed
	blind.Status, blind.Billable, blind.BillableReason = nil, true, "status_unknown"
	blind.Usage.State = record.UsageMissing
	for name, units := range map[string][]record.Unit{
		"status first":  {unit(failed), unit(blind)},
		"status second": {unit(blind), unit(failed)},
		"at once":       {unit(blind, failed)},
	} {
		t.Run(name, func(t *testing.T) {
			w, db := fresh(t)
			for _, u := range units {
				commit(t, w, u)
			}
			got := value[string](t, db, "SELECT CONCAT_WS(' ', status, billable, billable_reason, usage_state) FROM mq_consume_log")
			if got != "502 0 status missing" {
				t.Errorf("stored %q", got)
			}
			checkSums(t, db)
		})
	}
}
