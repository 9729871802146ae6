package api_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"net/http"
	"net/url"
	"testing"
)

// taken is what a taker keeps of a record.
type taken struct {
	BillingKey  string  `json:"billing_key"`
	Revision    int     `json:"revision"`
	Consumer    *string `json:"consumer"`
	TotalTokens int64   `json:"total_tokens"`
	UsageState  string  `json:"usage_state"`
	Billable    bool    `json:"billable"`
	KeyState    string  `json:"key_state"`
	RepeatOf    *string `json:"repeat_of"`
}

func (r taken) String() string {
	name, repeat := "?", "-"
	if r.Consumer != nil {
		name = *r.Consumer
	}
	if r.RepeatOf != nil {
		repeat = *r.RepeatOf
	}
	return fmt.Sprintf("%s rev %d of %q: %d %s %t %s %s", r.BillingKey, r.Revision, name, r.TotalTokens, r.UsageState, r.Billable, r.KeyState, repeat)
}

// taker follows the feed by HTTP as a billing service would: it keeps the last revision of each key.
type taker struct {
	who, accept, encoding string
	limit                 int
	cursor                string
	last                  map[string]taken
	// came is how many records did.
	came int
}

// path is what the taker asks next.
func (k *taker) path() string {
	path := fmt.Sprintf("/v1/records?limit=%d", k.limit)
	if k.cursor != "" {
		path += "&cursor=" + url.QueryEscape(k.cursor)
	}
	return path
}

// poll asks once, and says whether there may be more already.
func (k *taker) poll(t testing.TB, s *server) (more bool) {
	t.Helper()
	a := s.get(k.who, k.path(), "Accept", k.accept, "Accept-Encoding", k.encoding)
	if a.status != http.StatusOK || a.header.Get("Content-Type") != k.accept {
		t.Fatalf("%d %s: %.1000s", a.status, a.header.Get("Content-Type"), a.body)
	}
	if k.accept != "application/json" {
		// The same answer as one document, which can be held against the other.
		lines := bytes.SplitAfter(a.body, []byte("\n"))
		if n := len(lines); len(lines[n-1]) > 0 || !bytes.HasPrefix(lines[n-2], []byte(`{"next_cursor":`)) {
			t.Fatalf("the last line is %q %q", lines[n-2], lines[n-1])
		}
		records := bytes.Join(lines[:len(lines)-2], []byte(","))
		a.body = append(append(append([]byte(`{"records":[`), records...), "],"...), lines[len(lines)-2][1:]...)
		a.header = http.Header{"Content-Type": {"application/json"}}
		s.hold(s.question(http.MethodGet, k.who, k.path()), a, true)
	}
	var page struct {
		Records []taken `json:"records"`
		Next    string  `json:"next_cursor"`
		More    bool    `json:"more"`
	}
	a.into(t, &page)
	if len(page.Records) > k.limit {
		t.Errorf("%d records, at most %d were asked for", len(page.Records), k.limit)
	}
	if k.last == nil {
		k.last = map[string]taken{}
	}
	for _, r := range page.Records {
		if had, ok := k.last[r.BillingKey]; ok && r.Revision <= had.Revision {
			t.Errorf("%v came after %v", r, had)
		}
		k.last[r.BillingKey] = r
		k.came++
	}
	k.cursor = page.Next
	return page.More
}

// equals fails where what the taker has is not the ledger's records that where picks.
func (k *taker) equals(t testing.TB, db *sql.DB, where string) {
	t.Helper()
	rows, err := db.Query("SELECT LOWER(HEX(billing_key)), revision, consumer, total_tokens, usage_state, billable, key_state, LOWER(HEX(repeat_of)) FROM mq_consume_log WHERE " + where)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	n := 0
	for ; rows.Next(); n++ {
		var r taken
		if err := rows.Scan(&r.BillingKey, &r.Revision, &r.Consumer, &r.TotalTokens, &r.UsageState, &r.Billable, &r.KeyState, &r.RepeatOf); err != nil {
			t.Fatal(err)
		}
		if got := k.last[r.BillingKey]; got.String() != r.String() {
			t.Errorf("%s has %v, the ledger %v", k.who, got, r)
		}
	}
	if len(k.last) != n {
		t.Errorf("%s has %d records, the ledger %d", k.who, len(k.last), n)
	}
}

// sums are the figures of /v1/usage, over what the taker has.
func (k *taker) sums() (all struct{ Records, Missing, Partial, Tokens int64 }) {
	for _, r := range k.last {
		all.Records++
		all.Tokens += r.TotalTokens
		switch r.UsageState {
		case "missing":
			all.Missing++
		case "partial":
			all.Partial++
		}
	}
	return all
}
