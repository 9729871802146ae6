package main_test

import (
	"fmt"
	"testing"
)

// A route metered by a header, one metered by a number in its answer, one whose tokens are estimated: what the file says
// lands on the records and in the sums, under its units.
func TestRoutesAreMeteredAsConfigured(t *testing.T) {
	w := newWorld(t, "")
	w.extra = `routes:
  - match: {route_id: images}
    meters: [{unit: request}, {unit: credits, response_header: X-Credits-Used}, {unit: response_bytes}]
    billable: {statuses: [2xx, 402]}
  - match: {uri_prefix: /ocr/}
    meters: [{unit: pages, response_json: "$.result.pages"}]
  - estimate: bytes
    bytes_per_token: 4
`
	call := func(n int, route, uri string, status int, headers, body string) string {
		return fmt.Sprintf(`{"billing":{"request_id":"%032x"},"route_id":%q,"service_id":"","consumer":{"username":"alice"},`+
			`"start_time":%d,"latency":2.5,"request":{"method":"POST","uri":%q,"headers":{},"size":200},`+
			`"response":{"status":%d,"size":300,"headers":{%s}%s}}`,
			n+1, route, 1795347865715+n, uri, status, headers, body)
	}
	message := `[` + call(0, "images", "/v1/images", 200, `"x-credits-used":"1.25"`, ``) +
		`,` + call(1, "images", "/v1/images", 402, `"x-credits-used":"0.1"`, ``) +
		`,` + call(2, "images", "/v1/images", 200, ``, ``) +
		`,` + call(3, "images", "/v1/images", 500, ``, ``) +
		`,` + call(4, "tools", "/ocr/scan", 200, ``, `,"body":"{\"result\":{\"pages\":7}}"`) +
		`,` + call(5, "chat", "/v1/chat/completions", 200, ``, ``) + `]`
	w.start(t)
	w.producer(t)([]byte(message))
	w.settled(t)

	rows, err := w.db.QueryContext(t.Context(), `SELECT CONCAT_WS(' ', IFNULL(quantities, '-'), usage_state, billable, billable_reason,
		IFNULL(estimated_tokens, '-'), total_tokens, marks) FROM mq_consume_log ORDER BY entry_index`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var got []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		got = append(got, line)
	}
	want := []string{
		`[{"unit":"credits","quantity":"1.25"},{"unit":"response_bytes","quantity":"300"}] exact 1 success - 0 `,
		`[{"unit":"credits","quantity":"0.1"},{"unit":"response_bytes","quantity":"300"}] exact 1 success - 0 `,
		`[{"unit":"response_bytes","quantity":"300"}] partial 1 success - 0 meter:credits`,
		`[{"unit":"response_bytes","quantity":"300"}] exact 0 status - 0 `,
		`[{"unit":"pages","quantity":"7"}] exact 1 success - 0 `,
		`- missing 1 success 125 0 estimated`,
	}
	if a, b := fmt.Sprintf("%q", got), fmt.Sprintf("%q", want); a != b {
		t.Errorf("records\n%s\nwant\n%s", a, b)
	}
	for unit, sum := range map[string]string{
		"credits": "1.350000000", "response_bytes": "900.000000000", "pages": "7.000000000", "request": "5.000000000",
		"estimated_tokens": "0",
	} {
		if n := w.count(t, "SELECT COALESCE(SUM(quantity), 0) = ? FROM "+sums+" WHERE billable AND unit = ?", sum, unit); n != 1 {
			t.Errorf("the billable sum of %s is not %s", unit, sum)
		}
	}
	if n := w.count(t, "SELECT SUM(total_tokens) FROM "+sums+" WHERE billable"); n != 0 {
		t.Errorf("%d tokens in the sums: an estimate is no count", n)
	}
}
