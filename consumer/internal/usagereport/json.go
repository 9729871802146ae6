package usagereport

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"

	"gateway-billing.internal/consumer/internal/ledger/totals"
)

// AppendRow appends a row as a JSON object, the line of NDJSON and the row of the HTTP API. by are the query's Names. It is
// written by hand: an answer has thousands of rows, and encoding/json takes longer for them than the database.
func AppendRow(to []byte, by []totals.By, r *totals.Row) []byte {
	to = r.Start.AppendFormat(append(to, `{"from":"`...), time.RFC3339)
	to = r.End.AppendFormat(append(to, `","to":"`...), time.RFC3339)
	to = append(to, `","group":{`...)
	for i, name := range r.Names {
		if i > 0 {
			to = append(to, ',')
		}
		to = append(appendText(to, string(by[i])), ':')
		if name == nil { // unknown
			to = append(to, "null"...)
		} else {
			to = appendText(to, *name)
		}
	}
	return append(appendSums(append(to, "},"...), &r.Sums), '}')
}

// AppendSums appends sums as a JSON object.
func AppendSums(to []byte, s *totals.Sums) []byte {
	return append(appendSums(append(to, '{'), s), '}')
}

// appendSums appends the members that a row has beside its names.
func appendSums(to []byte, s *totals.Sums) []byte {
	to = strconv.AppendInt(append(to, `"records":`...), s.Records, 10)
	to = strconv.AppendInt(append(to, `,"usage_missing":`...), s.UsageMissing, 10)
	to = strconv.AppendInt(append(to, `,"usage_partial":`...), s.UsagePartial, 10)
	to = s.PromptTokens.Append(append(to, `,"prompt_tokens":`...))
	to = s.CompletionTokens.Append(append(to, `,"completion_tokens":`...))
	to = s.TotalTokens.Append(append(to, `,"total_tokens":`...))
	to = s.CachedTokens.Append(append(to, `,"cached_tokens":`...))
	to = s.CacheWriteTokens.Append(append(to, `,"cache_write_tokens":`...))
	to = s.ReasoningTokens.Append(append(to, `,"reasoning_tokens":`...))
	to = s.AudioTokens.Append(append(to, `,"audio_tokens":`...))
	return appendQuantities(append(to, `,"quantities":`...), s)
}

// appendQuantities appends an object of strings: a reader that takes numbers for floats would lose digits.
func appendQuantities(to []byte, s *totals.Sums) []byte {
	to = append(to, '{')
	if len(s.Quantities) > 0 {
		for i, unit := range slices.Sorted(maps.Keys(s.Quantities)) {
			if i > 0 {
				to = append(to, ',')
			}
			to = append(appendText(to, unit), `:"`...)
			to = append(append(to, s.Quantities[unit].String()...), '"')
		}
	}
	return append(to, '}')
}

// appendText appends a JSON string. What is not plain is encoding/json's work; it leaves < and > as they are.
func appendText(to []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			var quoted bytes.Buffer
			encoder := json.NewEncoder(&quoted)
			encoder.SetEscapeHTML(false)
			_ = encoder.Encode(text) // of a string there is no error
			return append(to, bytes.TrimSuffix(quoted.Bytes(), []byte("\n"))...)
		}
	}
	return append(append(append(to, '"'), text...), '"')
}
