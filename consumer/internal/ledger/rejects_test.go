package ledger_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"gateway-billing.internal/consumer/internal/deadletter"
	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/record"
)

func garbage(body string, msgID string) record.Reject {
	return record.Reject{
		Origin:     record.Origin{Topic: "test-apisix", MsgID: msgID, Broker: "broker-a", Queue: 3, Offset: 9},
		EntryIndex: -1, Reason: deadletter.ReasonNotJSON, Detail: "offset 0", Raw: []byte(body), BodySHA256: sha256.Sum256([]byte(body)),
	}
}

func TestRejectIsOneDeadLetter(t *testing.T) {
	w, db := fresh(t)
	u := record.Unit{Records: []record.Record{request(someID())}, Rejects: []record.Reject{garbage("\x00\xff'garbage", "m1")}}
	wantOutcome(t, commit(t, w, u), ledger.Outcome{Recorded: 1, Rejected: 1})
	wantOutcome(t, commit(t, w, u), ledger.Outcome{Duplicate: 1, Rejected: 1}) // delivered again
	again := record.Unit{Rejects: []record.Reject{garbage("\x00\xff'garbage", "m2"), garbage("other", "m2")}}
	wantOutcome(t, commit(t, w, again), ledger.Outcome{Rejected: 2}) // sent again

	var raw, sum []byte
	var index, length, deliveries, origins int
	var reason, status string
	err := db.QueryRow(`SELECT raw, raw_sha256, raw_length, entry_index, reason, status, deliveries,
		(SELECT COUNT(*) FROM dead_letter_origin o WHERE o.body_sha256 = d.body_sha256)
		FROM dead_letter d WHERE raw_length = 10`).Scan(&raw, &sum, &length, &index, &reason, &status, &deliveries, &origins)
	if err != nil {
		t.Fatal(err)
	}
	want := sha256.Sum256([]byte("\x00\xff'garbage"))
	if string(raw) != "\x00\xff'garbage" || !bytes.Equal(sum, want[:]) || index != -1 || reason != "not_json" ||
		status != "pending" || deliveries != 3 || origins != 2 {
		t.Errorf("%q %x %d %s %s, %d deliveries, %d origins", raw, sum, index, reason, status, deliveries, origins)
	}
	if n := value[int](t, db, "SELECT COUNT(*) FROM dead_letter"); n != 2 {
		t.Errorf("%d dead letters, want 2", n)
	}
}

func TestOriginsOfADeadLetterAreBounded(t *testing.T) {
	w, db := fresh(t)
	for i := range 3 {
		var u record.Unit
		for j := range deadletter.MaxOrigins / 2 {
			u.Rejects = append(u.Rejects, garbage("the same", fmt.Sprintf("m%d-%d", i, j)))
		}
		commit(t, w, u)
	}
	origins := value[int](t, db, "SELECT COUNT(*) FROM dead_letter_origin")
	deliveries := value[int](t, db, "SELECT deliveries FROM dead_letter")
	if origins != deadletter.MaxOrigins || deliveries != 3*deadletter.MaxOrigins/2 {
		t.Errorf("%d origins, %d deliveries; want %d and %d", origins, deliveries, deadletter.MaxOrigins, 3*deadletter.MaxOrigins/2)
	}
}

func TestRawBytesAreCut(t *testing.T) {
	w, db := fresh(t)
	long := strings.Repeat("'", deadletter.MaxRaw+1000)
	commit(t, w, record.Unit{Rejects: []record.Reject{garbage(long, "m")}})
	kept, full := value[int](t, db, "SELECT LENGTH(raw) FROM dead_letter"), value[int](t, db, "SELECT raw_length FROM dead_letter")
	sum := value[[]byte](t, db, "SELECT raw_sha256 FROM dead_letter")
	if want := sha256.Sum256([]byte(long)); kept != deadletter.MaxRaw || full != len(long) || !bytes.Equal(sum, want[:]) {
		t.Errorf("%d of %d bytes kept", kept, full)
	}
}

// One row that the database refuses leaves its batch alone, and the others are recorded.
func TestPoisonLeavesAlone(t *testing.T) {
	w, db := fresh(t)
	exec(t, db, "ALTER TABLE mq_consume_log MODIFY provider_response_id VARCHAR(10)") // a column too narrow for one record
	u := record.Unit{Body: []byte("the whole message")}
	for i := range 50 {
		u.Records = append(u.Records, request(someID(), func(r *record.Record) {
			r.EntryIndex, r.Raw = i, []byte{0xff, byte(i)} // what came, whatever the ledger would have kept of it
			if i == 17 || i == 40 {
				r.Usage.ProviderResponseID = new("longer than that")
			}
		}))
	}
	wantOutcome(t, commit(t, w, u), ledger.Outcome{Recorded: 48, Rejected: 2})
	wantOutcome(t, commit(t, w, u), ledger.Outcome{Duplicate: 48, Rejected: 2})
	got := value[string](t, db, "SELECT GROUP_CONCAT(CONCAT_WS(' ', entry_index, reason, deliveries, HEX(raw)) ORDER BY entry_index) FROM dead_letter")
	if want := "17 poison 2 FF11,40 poison 2 FF28"; got != want {
		t.Errorf("dead letters %s, want %s", got, want)
	}
	sum := sha256.Sum256(u.Body)
	if n := value[int](t, db, "SELECT COUNT(*) FROM dead_letter WHERE billing_key = ? AND body_sha256 = ?", u.Records[17].Key[:], sum[:]); n != 1 {
		t.Error("the dead letter does not hold the key and the message's sum")
	}
	checkSums(t, db)
}

// What a client or an upstream chose never keeps a request from being recorded.
func TestHostileValuesAreRecorded(t *testing.T) {
	w, db := fresh(t)
	text := "\x00\xff'\"\\\n" + strings.Repeat("é", 9000)
	huge := int64(1<<63 - 1)
	var u record.Unit
	for range 3 { // sums beyond 63 bits
		u.Records = append(u.Records, request(someID(), func(r *record.Record) {
			r.URI, r.Method, r.ClientIP, r.ServiceID = &text, &text, &text, &text
			r.Usage.Model, r.Usage.ModelRequested, r.Usage.ServiceTier, r.Usage.ProviderResponseID = &text, &text, &text, &text
			r.Usage.RawJSON = []byte(text)
			r.Usage.TotalTokens, r.Usage.PromptTokens = huge, huge
			r.Usage.Quantities = []record.Quantity{{Unit: "image", Amount: "1e400000000"}, {Unit: "second", Amount: "1.5"}}
			r.RequestSize, r.Status, r.Body = &huge, new(1<<40), text
		}))
	}
	wantOutcome(t, commit(t, w, u), ledger.Outcome{Recorded: 3})
	marks := value[string](t, db, "SELECT DISTINCT marks FROM mq_consume_log")
	for _, want := range []string{"cut:uri", "cut:model", "bad:status", "bad:quantities"} {
		if !strings.Contains(marks, want) {
			t.Errorf("marks %s lack %s", marks, want)
		}
	}
	if got := value[string](t, db, "SELECT SUM(total_tokens) FROM usage_delta"); got != "27670116110564327421" {
		t.Errorf("sum of tokens %s", got)
	}
}

func TestBodyLargerThanAStatementIsCut(t *testing.T) {
	for _, body := range []string{strings.Repeat(`"`, 20<<20), strings.Repeat("é", 9<<20)} {
		w, db := fresh(t)
		u := unit(request(someID()), request(someID(), func(r *record.Record) { r.Body = body }), request(someID()))
		wantOutcome(t, commit(t, w, u), ledger.Outcome{Recorded: 3})
		kept := value[int](t, db, "SELECT LENGTH(body) FROM mq_consume_log WHERE marks = 'cut:body'")
		if kept < 4<<20 || kept > 16<<20 {
			t.Errorf("%d bytes kept of %d", kept, len(body))
		}
	}
}
