package api_test

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gateway-billing.internal/consumer/internal/api"
	"gateway-billing.internal/consumer/internal/apitoken"
	"gateway-billing.internal/consumer/internal/identity"
	"gateway-billing.internal/consumer/internal/pipeline"
	"gateway-billing.internal/consumer/internal/record"
	"gateway-billing.internal/consumer/internal/redact"
	"gateway-billing.internal/shared/billingkey"
)

// flow is what makes records of messages.
func flow(t *testing.T) *pipeline.Deriver {
	t.Helper()
	keys, err := billingkey.ParseKeys("")
	if err != nil {
		t.Fatal(err)
	}
	return &pipeline.Deriver{Keys: keys, Rules: identity.Rules{Tolerance: time.Second}, Body: redact.New(redact.Redacted, nil, nil)}
}

// entry is a log entry of one request, whose client and upstream put secrets everywhere.
func entry(id int, more string) string {
	return fmt.Sprintf(`{"route_id":"r1","client_ip":"10.0.0.1","start_time":%d,"latency":3,"request":{"method":"POST","uri":"/v1?api_key=hush",`+
		`"size":200,"headers":{"host":"h","authorization":"Bearer hush"}},"response":{"status":200,"size":300,"headers":{}},"consumer":{"username":"alice"},`+
		`"billing":{"request_id":"%032x"}%s}`, yesterday.UnixMilli(), id, more)
}

type letterPage struct {
	Letters []letter `json:"dead_letters"`
	Next    *int64   `json:"next_after"`
}

type letter struct {
	ID         int64     `json:"id"`
	Reason     string    `json:"reason"`
	Status     string    `json:"status"`
	Attempts   int       `json:"attempts"`
	Created    time.Time `json:"create_time"`
	Incomplete *string   `json:"incomplete"`
	Origins    []struct {
		Topic      string `json:"topic"`
		MsgID      string `json:"msg_id"`
		Queue      int    `json:"queue_id"`
		Offset     int64  `json:"queue_offset"`
		File       string `json:"file"`
		Deliveries int    `json:"deliveries"`
	} `json:"origins"`
	Audit []struct{ Action, Actor, Outcome, Detail string } `json:"audit"`
}

// refused is a server with dead letters of every kind: three entries that the database refused, which it takes now, one
// message that is no JSON and two entries that are none.
func refused(t *testing.T, grants ...apitoken.Grant) *server {
	t.Helper()
	d := flow(t)
	s := serve(t, grants, func(o *api.Options) { o.Redrive = d.Redrive })
	db := connect(t, s.dsn)
	exec(t, db, "CREATE TRIGGER refuse BEFORE INSERT ON mq_consume_log FOR EACH ROW SET NEW.uri = REPEAT('hush', 3000)")
	origin := record.Origin{Topic: "gateway-log", MsgID: "m1", Broker: "b", Queue: 3, Offset: 42}
	for i, body := range []string{
		"[" + entry(1, "") + "," + entry(2, "") + "]", entry(3, ""), `{"authorization":"hush`, `["hush",{"route_id":"hush"}]`,
	} {
		origin.Offset = 42 + int64(i)
		if i == 3 {
			origin = record.Origin{File: "/tmp/bodies"}
		}
		for range 2 { // it comes twice
			if _, err := s.writer.Commit(t.Context(), d.Unit(origin, []byte(body))); err != nil {
				t.Fatal(err)
			}
		}
	}
	exec(t, db, "DROP TRIGGER refuse")
	return s
}

func (s *server) letters(t *testing.T, query string) (p letterPage) {
	t.Helper()
	a := s.get("ops", "/v1/dead-letters?"+query)
	if a.status != http.StatusOK || bytes.Contains(a.body, []byte("hush")) || !bytes.Contains(a.body, []byte(`"dead_letters":[`)) {
		t.Fatalf("%s: %d %s", query, a.status, a.body)
	}
	a.into(t, &p)
	return p
}

func (s *server) letter(t *testing.T, id int64) (l letter) {
	t.Helper()
	a := s.get("ops", fmt.Sprintf("/v1/dead-letters/%d", id))
	if a.status != http.StatusOK || bytes.Contains(a.body, []byte("hush")) || bytes.Contains(a.body, []byte("10.0.0.1")) {
		t.Fatalf("%d: %d %s", id, a.status, a.body)
	}
	a.into(t, &l)
	return l
}

// Dead letters are listed by what a filter says, each once however it is read, and shown with where they came from, and
// never with what they hold.
func TestDeadLetters(t *testing.T) {
	t.Parallel()
	s := refused(t, everything("ops"))
	for query, want := range map[string]int{
		"": 6, "status=pending": 6, "status=all": 6, "status=redriven": 0, "status=discarded": 0, "reason=poison": 3, "reason=not_json": 1,
		"reason=not_an_entry": 1, "reason=no": 0, "topic=gateway-log": 4, "topic=t": 0, "from=2026-01-01T00:00:00Z": 6,
		"to=2026-01-01T00:00:00Z": 0, "to=9999-01-01T00:00:00%2B14:00": 6, "limit=1000": 6, "from=0000-01-01T00:00:00Z": 6,
		"to=9999-12-31T23:59:59-23:59": 6, "from=9999-12-31T23:59:59-23:59": 0, "to=0000-01-01T00:00:00%2B23:59": 0, "after=9223372036854775807": 0, "reason=": 6,
	} {
		if got := s.letters(t, query); len(got.Letters) != want || got.Next != nil {
			t.Errorf("%s: %+v, want %d", query, got, want)
		}
	}
	for _, limit := range []int{1, 2, 3, 6, 7} {
		var ids []int64
		for after := int64(0); ; {
			p := s.letters(t, fmt.Sprintf("limit=%d&after=%d", limit, after))
			for _, l := range p.Letters {
				ids = append(ids, l.ID)
			}
			if len(p.Letters) > limit {
				t.Fatalf("limit %d: %+v", limit, p)
			}
			if p.Next == nil {
				break
			}
			after = *p.Next
		}
		if len(ids) != 6 || !slices.IsSorted(ids) || len(slices.Compact(ids)) != 6 {
			t.Errorf("limit %d: %d", limit, ids)
		}
	}
	for _, l := range s.letters(t, "").Letters {
		one := s.letter(t, l.ID)
		if one.ID != l.ID || one.Reason != l.Reason || len(one.Origins) != 1 || one.Audit == nil || len(one.Audit) != 0 || one.Incomplete != nil ||
			!one.Created.Equal(l.Created) || one.Created.Location() != time.UTC || time.Since(one.Created) > time.Hour {
			t.Errorf("%+v, listed as %+v", one, l)
		}
		o := one.Origins[0]
		if o.File == "" && (o.Topic != "gateway-log" || o.MsgID != "m1" || o.Queue != 3 || o.Offset < 42) || o.Deliveries < 2 {
			t.Errorf("%+v", o)
		}
	}
	for _, query := range []string{
		"status=open", "status=", "from=yesterday", "to=2026-01-01", "after=-1", "after=9223372036854775808", "limit=0", "limit=1001",
		"reason=" + strings.Repeat("x", 97), "topic=" + strings.Repeat("x", 129), "status=all&status=all", "reasons=poison",
	} {
		if a := s.wrong("ops", "/v1/dead-letters?"+query); a.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", query, a.status, a.body)
		}
	}
	for id, want := range map[string]int{"0": 400, "-1": 400, "01": 400, "x": 400, "9223372036854775808": 400, "9223372036854775807": 404} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			path := "/v1/dead-letters/" + id
			if method == http.MethodPost {
				path += "/redrive"
			}
			if a := s.ask(method, "ops", path, false); a.status != want {
				t.Errorf("%s %s: %d %s, want %d", method, path, a.status, a.body, want)
			}
		}
	}
}

type redriven struct {
	ID      int64
	Status  string
	Changed bool
	Detail  string
	Outcome struct{ Recorded, Duplicate, Conflict, Rejected, Raised int }
}

func (s *server) redrive(t *testing.T, id int64, query string) (r redriven) {
	t.Helper()
	a := s.ask(http.MethodPost, "ops", fmt.Sprintf("/v1/dead-letters/%d/redrive%s", id, query), true)
	if a.status != http.StatusOK || bytes.Contains(a.body, []byte("hush")) {
		t.Errorf("%d %s", a.status, a.body)
	}
	a.into(t, &r)
	return r
}

// A redrive records once, whoever else does the same, names who did it, and a dry run changes nothing.
func TestRedrive(t *testing.T) {
	t.Parallel()
	s := refused(t, everything("ops"))
	count := func() (n int) {
		t.Helper()
		if err := connect(t, s.dsn).QueryRow("SELECT COUNT(*) FROM mq_consume_log").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	pending := s.letters(t, "reason=poison").Letters
	for _, l := range pending {
		if r := s.redrive(t, l.ID, "?dry_run=true"); r.Status != "redriven" || !r.Changed || r.Outcome.Recorded != 1 {
			t.Errorf("dry run: %+v", r)
		}
	}
	if n := len(s.letters(t, "").Letters); n != 6 || count() != 0 || len(s.letter(t, pending[0].ID).Audit) != 0 {
		t.Errorf("a dry run left %d pending and %d records", n, count())
	}
	for _, l := range pending {
		var all [3]redriven
		var wg sync.WaitGroup
		for i := range all {
			wg.Go(func() { all[i] = s.redrive(t, l.ID, "?dry_run=false") })
		}
		wg.Wait()
		changed := 0
		for _, r := range all {
			if r.ID != l.ID || r.Status != "redriven" || !r.Changed && r.Outcome.Recorded != 0 {
				t.Errorf("%+v", r)
			}
			if r.Changed && r.Outcome.Recorded == 1 {
				changed++
			}
		}
		one := s.letter(t, l.ID)
		if changed != 1 || len(one.Audit) != 1 || one.Audit[0].Actor != "api:ops" || one.Audit[0].Action != "redrive" || one.Audit[0].Outcome != "redriven" || one.Status != "redriven" || one.Attempts != 1 {
			t.Errorf("%d of three changed it: %+v", changed, one)
		}
	}
	if n := count(); n != 3 || len(s.letters(t, "status=redriven").Letters) != 3 {
		t.Errorf("%d records", n)
	}
	for _, l := range s.letters(t, "").Letters {
		if r := s.redrive(t, l.ID, ""); r.Status != "pending" || !r.Changed || !strings.HasPrefix(r.Detail, "fails again: "+l.Reason) {
			t.Errorf("what can't be mended: %+v", r)
		}
		if one := s.letter(t, l.ID); one.Attempts != 1 || len(one.Audit) != 1 || one.Audit[0].Outcome != "pending" {
			t.Errorf("%+v", one)
		}
	}
	s.number(t)
	k := taker{who: "ops", accept: "application/json", limit: 10}
	if k.poll(t, s); k.came != 3 {
		t.Errorf("%d redriven records came to who follows", k.came)
	}
	for _, query := range []string{"?dry_run=1", "?dry_run=", "?dry=true"} {
		if a := s.ask(http.MethodPost, "ops", fmt.Sprintf("/v1/dead-letters/%d/redrive%s", pending[0].ID, query), false); a.status != http.StatusBadRequest {
			t.Errorf("%s: %d", query, a.status)
		}
	}
}
