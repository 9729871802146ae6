package usagereport

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"gateway-billing.internal/consumer/internal/ledger/totals"
)

// Form is how a report is written.
type Form string

// The forms.
const (
	Table   Form = "table"
	CSV     Form = "csv"
	NDJSON  Form = "ndjson"
	Parquet Form = "parquet"
)

// ParseForm reads the name of a form.
func ParseForm(text string) (Form, error) {
	if f := Form(text); slices.Contains([]Form{Table, CSV, NDJSON, Parquet}, f) {
		return f, nil
	}
	return "", fmt.Errorf("--output must be table, csv, ndjson or parquet")
}

// Write writes the answer to a query.
func Write(w io.Writer, form Form, q totals.Query, r totals.Result) error {
	switch form {
	case CSV:
		return writeCSV(w, q, r)
	case NDJSON:
		return writeLines(w, q, r)
	case Parquet:
		return writeParquet(w, q, r)
	default:
		return writeTable(w, q, r)
	}
}

// columns are the counts that every row has, and their names.
var columns = []string{
	"records", "usage_missing", "usage_partial", "prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens",
	"cache_write_tokens", "reasoning_tokens", "audio_tokens",
}

func counts(s *totals.Sums) []string {
	return []string{
		strconv.FormatInt(s.Records, 10), strconv.FormatInt(s.UsageMissing, 10), strconv.FormatInt(s.UsagePartial, 10),
		s.PromptTokens.String(), s.CompletionTokens.String(), s.TotalTokens.String(), s.CachedTokens.String(),
		s.CacheWriteTokens.String(), s.ReasoningTokens.String(), s.AudioTokens.String(),
	}
}

// heading is the name of what rows are grouped by, as a column.
func heading(by totals.By) string { return strings.ReplaceAll(string(by), ":", "_") }

// unknown stands in CSV for a name that is not known; an empty field is a name that is known to be empty.
const unknown = `\N`

func writeCSV(w io.Writer, q totals.Query, r totals.Result) error {
	out := csv.NewWriter(w)
	head := []string{"from", "to"}
	for _, by := range q.Names() {
		head = append(head, heading(by))
	}
	units := slices.Sorted(maps.Keys(r.Total.Quantities))
	if err := out.Write(slices.Concat(head, columns, units)); err != nil {
		return err
	}
	for i := range r.Rows {
		row := &r.Rows[i]
		line := []string{row.Start.Format(time.RFC3339), row.End.Format(time.RFC3339)}
		for _, name := range row.Names {
			if name == nil {
				line = append(line, unknown)
			} else {
				line = append(line, *name)
			}
		}
		line = append(line, counts(&row.Sums)...)
		for _, unit := range units {
			line = append(line, row.Quantities[unit].String())
		}
		if err := out.Write(line); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func writeLines(w io.Writer, q totals.Query, r totals.Result) error {
	out, by := bufio.NewWriter(w), q.Names()
	for i := range r.Rows {
		if _, err := out.Write(append(AppendRow(out.AvailableBuffer(), by, &r.Rows[i]), '\n')); err != nil {
			return err
		}
	}
	return out.Flush()
}
