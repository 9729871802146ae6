package ledger_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"gateway-billing.internal/consumer/internal/deadletter"
	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/shared/testkit/stack"
)

// Whatever a text or raw bytes hold, the database has the very same: nothing ends a literal, and nothing in it is a
// statement.
func TestWhatIsWrittenIsReadBack(t *testing.T) {
	dsn := migrated(t)
	db, w := connect(t, dsn), ledgerOf(t, dsn)
	random := rand.New(rand.NewPCG(3, 1))
	odd := []rune("'\"\\\x00\n\r\x1a%_;-/*#`?:aé日😀\u2028\ufffd")
	texts := make([]string, 200)
	raws := make([][]byte, len(texts))
	var u record.Unit
	for i := range texts {
		text := make([]rune, random.IntN(60))
		for k := range text {
			text[k] = odd[random.IntN(len(odd))]
		}
		texts[i] = string(text)
		raws[i] = make([]byte, random.IntN(300))
		for k := range raws[i] {
			raws[i][k] = byte(random.Uint32())
		}
		u.Records = append(u.Records, request(someID(), func(r *record.Record) { r.Body, r.URI, r.Consumer = texts[i], &texts[i], &texts[i] }))
		u.Rejects = append(u.Rejects, record.Reject{EntryIndex: i, Reason: deadletter.ReasonNotJSON, Detail: texts[i], Raw: raws[i]})
	}
	commit(t, w, u)
	for i, r := range u.Records {
		var body, uri, consumer string
		if err := db.QueryRow("SELECT body, uri, consumer FROM mq_consume_log WHERE billing_key = ?", r.Key[:]).Scan(&body, &uri, &consumer); err != nil {
			t.Fatal(err)
		}
		if body != texts[i] || uri != texts[i] || consumer != texts[i] {
			t.Fatalf("%q is read back as %q, %q and %q", texts[i], body, uri, consumer)
		}
		var raw []byte
		var detail string
		if err := db.QueryRow("SELECT raw, detail FROM dead_letter WHERE entry_index = ?", i).Scan(&raw, &detail); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(raw, raws[i]) || detail != texts[i] {
			t.Fatalf("%x and %q are read back as %x and %q", raws[i], texts[i], raw, detail)
		}
	}
}

// A server whose own mode takes backslashes for plain characters does not change what is written: the session's counts.
func TestBackslashesOfTheServersMode(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a server of its own: make test")
	}
	server := stack.StartDatabase(t, "--sql-mode=NO_BACKSLASH_ESCAPES")
	dsn := server.NewDatabase(t)
	if _, err := ledger.MigrateUp(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	w := ledgerOf(t, dsn)
	text := `\' and \\ and "`
	rec := request(someID(), func(r *record.Record) { r.Body = text })
	commit(t, w, unit(rec))
	if body := value[string](t, connect(t, dsn), "SELECT body FROM mq_consume_log WHERE request_id = ?", *rec.RequestID); body != text {
		t.Errorf("%q is read back as %q", text, body)
	}
}
