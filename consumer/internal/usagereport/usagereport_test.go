package usagereport_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"gateway-billing.internal/consumer/internal/decimal"
	"gateway-billing.internal/consumer/internal/ledger/totals"
	"gateway-billing.internal/consumer/internal/usagereport"
)

func TestSpan(t *testing.T) {
	berlin, err := totals.Location("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 30, 22, 20, 1, 0, time.UTC) // 31 March in Berlin; clocks were put forward on the 29th
	for _, tt := range []struct{ from, to, begin, end string }{
		{"today", "", "2026-03-31T00:00:00+02:00", "2026-04-01T00:00:00+02:00"},
		{"yesterday", "", "2026-03-30T00:00:00+02:00", "2026-03-31T00:00:00+02:00"},
		{"yesterday", "2026-04-02", "2026-03-30T00:00:00+02:00", "2026-04-02T00:00:00+02:00"},
		{"2026-03-29", "", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00"},
		{"last-month", "", "2026-02-01T00:00:00+01:00", "2026-03-01T00:00:00+01:00"},
		{"this-month", "today", "2026-03-01T00:00:00+01:00", "2026-03-31T00:00:00+02:00"},
		{"2025-12", "", "2025-12-01T00:00:00+01:00", "2026-01-01T00:00:00+01:00"},
		{"2026-03-30T20:00:00Z", "", "2026-03-30T22:00:00+02:00", "2026-03-31T00:30:00+02:00"},
		{"2026-03-30t20:00:00z", "2026-03-30t22:15:00+01:00", "2026-03-30T22:00:00+02:00", "2026-03-30T23:15:00+02:00"},
		{"2026-03-30 20:00:00Z", "", "", ""},
		{"today", "yesterday", "", ""},
		{"soon", "", "", ""},
		{"today", "2026-13-01", "", ""},
		{"", "", "", ""},
	} {
		begin, end, err := usagereport.Span(tt.from, tt.to, now, berlin)
		if tt.begin == "" {
			if err == nil || !strings.HasPrefix(err.Error(), "--") {
				t.Errorf("%q to %q: %s to %s, %v", tt.from, tt.to, begin, end, err)
			}
			continue
		}
		if got := begin.In(berlin).Format(time.RFC3339) + " " + end.In(berlin).Format(time.RFC3339); got != tt.begin+" "+tt.end || err != nil {
			t.Errorf("%q to %q: %s, %v; want %s %s", tt.from, tt.to, got, err, tt.begin, tt.end)
		}
	}
}

// answer is of two rows under odd names, one with a quantity.
func answer(t *testing.T) (totals.Query, totals.Result) {
	day := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	images, err := decimal.ParseAmount("1.5")
	if err != nil {
		t.Fatal(err)
	}
	rows := []totals.Row{
		{Start: day, End: day.AddDate(0, 0, 1), Names: []*string{nil, new("a,\"b\"\n")}, Sums: totals.Sums{
			Records: 3, UsageMissing: 1, PromptTokens: decimal.CountOf(10), TotalTokens: decimal.CountOf(10), Quantities: map[string]decimal.Amount{}}},
		{Start: day, End: day.AddDate(0, 0, 1), Names: []*string{new(""), new("alice")}, Sums: totals.Sums{
			Records: 2, PromptTokens: decimal.CountOf(1 << 62), TotalTokens: decimal.CountOf(1 << 62), Quantities: map[string]decimal.Amount{"image": images}}},
	}
	r := totals.Result{Rows: rows}
	for i := range rows {
		r.Total.Add(&rows[i].Sums)
	}
	return totals.Query{By: []totals.By{totals.ByModel, totals.ByDay, totals.ByConsumer}}, r
}

func write(t *testing.T, form usagereport.Form) []byte {
	t.Helper()
	q, r := answer(t)
	var b bytes.Buffer
	if err := usagereport.Write(&b, form, q, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestForms(t *testing.T) {
	if got, want := string(write(t, usagereport.Table)), ""+
		"        TIME  MODEL   CONSUMER  RECORDS  MISSING               PROMPT  COMPLETION               TOKENS  IMAGE\n"+
		"  2026-11-24      ?  \"a,\\\"b\\\"\\n\"        3        1                   10           0                   10      0\n"; !strings.Contains(squeezed(got), squeezed(want)) {
		t.Errorf("table\n%s", got)
	}
	all, err := csv.NewReader(bytes.NewReader(write(t, usagereport.CSV))).ReadAll()
	if err != nil || len(all) != 3 || strings.Join(all[1], "|") != `2026-11-24T00:00:00Z|2026-11-25T00:00:00Z|\N|a,"b"`+"\n"+`|3|1|0|10|0|10|0|0|0|0|0` ||
		strings.Join(all[2][2:4], "|") != "|alice" || all[2][14] != "1.5" || all[0][14] != "image" {
		t.Errorf("csv %q, %v", all, err)
	}
	var line struct {
		Group      map[string]*string
		Records    int64
		Prompt     json.Number `json:"prompt_tokens"`
		Quantities map[string]string
	}
	lines := bytes.Split(bytes.TrimSpace(write(t, usagereport.NDJSON)), []byte("\n"))
	if err := json.Unmarshal(lines[1], &line); err != nil || len(lines) != 2 || *line.Group["consumer"] != "alice" || *line.Group["model"] != "" ||
		line.Prompt != "4611686018427387904" || line.Quantities["image"] != "1.5" {
		t.Errorf("ndjson %s: %+v, %v", lines, line, err)
	}
	type row struct {
		Consumer *string `parquet:"consumer,optional"`
		Model    *string `parquet:"model,optional"`
		Prompt   int64   `parquet:"prompt_tokens"`
		Units    string  `parquet:"quantities"`
	}
	rows, err := parquet.Read[row](bytes.NewReader(write(t, usagereport.Parquet)), int64(len(write(t, usagereport.Parquet))))
	if err != nil || len(rows) != 2 || rows[0].Model != nil || *rows[1].Model != "" || rows[1].Prompt != 1<<62 || rows[1].Units != `{"image":"1.5"}` {
		t.Errorf("parquet %+v, %v", rows, err)
	}
}

// More than a file's integer holds is refused and not cut.
func TestParquetHoldsNoMore(t *testing.T) {
	q, r := answer(t)
	r.Rows[0].TotalTokens = decimal.CountOf(1 << 62).Plus(decimal.CountOf(1 << 62))
	if err := usagereport.Write(&bytes.Buffer{}, usagereport.Parquet, q, r); err == nil {
		t.Error("written")
	}
}

func squeezed(s string) string { return strings.Join(strings.Fields(s), " ") }
