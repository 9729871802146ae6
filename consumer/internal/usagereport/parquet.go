package usagereport

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/parquet-go/parquet-go"

	"gateway-billing.internal/consumer/internal/decimal"
	"gateway-billing.internal/consumer/internal/ledger/totals"
)

// parquetRow has a column for all that rows can be grouped by: one that the query did not ask for is NULL, as is an unknown
// name. The dimensions and quantities are JSON objects of strings.
type parquetRow struct {
	From             time.Time `parquet:"from,timestamp(millisecond)"`
	To               time.Time `parquet:"to,timestamp(millisecond)"`
	Consumer         *string   `parquet:"consumer,optional"`
	Route            *string   `parquet:"route,optional"`
	Service          *string   `parquet:"service,optional"`
	Model            *string   `parquet:"model,optional"`
	Status           *string   `parquet:"status,optional"`
	Billable         *bool     `parquet:"billable,optional"`
	Dimensions       string    `parquet:"dimensions"`
	Records          int64     `parquet:"records"`
	UsageMissing     int64     `parquet:"usage_missing"`
	UsagePartial     int64     `parquet:"usage_partial"`
	PromptTokens     int64     `parquet:"prompt_tokens"`
	CompletionTokens int64     `parquet:"completion_tokens"`
	TotalTokens      int64     `parquet:"total_tokens"`
	CachedTokens     int64     `parquet:"cached_tokens"`
	CacheWriteTokens int64     `parquet:"cache_write_tokens"`
	ReasoningTokens  int64     `parquet:"reasoning_tokens"`
	AudioTokens      int64     `parquet:"audio_tokens"`
	Quantities       string    `parquet:"quantities"`
}

func writeParquet(w io.Writer, q totals.Query, r totals.Result) error {
	out := parquet.NewGenericWriter[parquetRow](w, parquet.Compression(&parquet.Zstd))
	for i := range r.Rows {
		row, err := parquetRowOf(q, &r.Rows[i])
		if err != nil {
			return err
		}
		if _, err := out.Write([]parquetRow{row}); err != nil {
			return err
		}
	}
	return out.Close()
}

func parquetRowOf(q totals.Query, r *totals.Row) (parquetRow, error) {
	p := parquetRow{
		From: r.Start, To: r.End, Records: r.Records, UsageMissing: r.UsageMissing, UsagePartial: r.UsagePartial,
	}
	dimensions := map[totals.By]*string{}
	for i, by := range q.Names() {
		name := r.Names[i]
		switch by {
		case totals.ByConsumer:
			p.Consumer = name
		case totals.ByRoute:
			p.Route = name
		case totals.ByService:
			p.Service = name
		case totals.ByModel:
			p.Model = name
		case totals.ByStatus:
			p.Status = name
		case totals.ByBillable:
			p.Billable = new(*name == "true")
		default:
			dimensions[by] = name
		}
	}
	for _, c := range []struct {
		to   *int64
		from decimal.Count
	}{
		{&p.PromptTokens, r.PromptTokens}, {&p.CompletionTokens, r.CompletionTokens}, {&p.TotalTokens, r.TotalTokens},
		{&p.CachedTokens, r.CachedTokens}, {&p.CacheWriteTokens, r.CacheWriteTokens},
		{&p.ReasoningTokens, r.ReasoningTokens}, {&p.AudioTokens, r.AudioTokens},
	} {
		n, ok := c.from.Int64()
		if !ok {
			return p, fmt.Errorf("%s tokens from %s on are more than Parquet's INT64 holds: take csv or ndjson", c.from, r.Start.Format(time.RFC3339))
		}
		*c.to = n
	}
	text, err := json.Marshal(dimensions)
	if err != nil {
		return p, err
	}
	p.Dimensions, p.Quantities = string(text), string(appendQuantities(nil, &r.Sums))
	return p, nil
}
