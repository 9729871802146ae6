package check

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
)

// payer is what the API's sums are compared by; nil is NULL, said as "NULL".
type payer struct{ consumer, model string }

// answer holds the sums of GET /v1/usage by APISIX consumer and model against the records, against what was taken by HTTP,
// and against the export. All that was sent is recorded, so it must know of nothing that is missing.
func answer(ctx context.Context, run Run, report *Report) error {
	ledger, err := payers(ctx, run)
	if err != nil {
		return err
	}
	var all struct {
		Rows []struct {
			Group struct{ Consumer, Model *string }
			figures
		}
		Total         figures
		CompleteUntil *string `json:"complete_until"`
		Reason        *string `json:"complete_until_reason"`
		Lag           *struct{ Messages int64 }
	}
	if err := json.Unmarshal(run.Answer, &all); err != nil {
		return fmt.Errorf("GET /v1/usage: %w", err)
	}
	if all.CompleteUntil == nil || all.Lag == nil || all.Lag.Messages != 0 {
		report.differ("/v1/usage: complete until %s (%s), lag %+v, when all is acknowledged", shown(all.CompleteUntil), shown(all.Reason), all.Lag)
	}
	summed, taken, exported, total := map[payer]sum{}, map[payer]sum{}, map[payer]sum{}, sum{}
	for _, row := range all.Rows {
		summed[payer{shown(row.Group.Consumer), shown(row.Group.Model)}] = row.sum()
	}
	for _, r := range run.Client.Records {
		p := payer{text(r.Consumer), text(r.Model)}
		taken[p] = taken[p].plus(sum{1, r.Prompt, r.Completion, r.Total})
	}
	for line := range bytes.Lines(run.Usage.Export) {
		var row struct {
			Consumer, Model *string
			figures
		}
		if err := json.Unmarshal(line, &row); err != nil {
			return fmt.Errorf("usage export: %w", err)
		}
		row.Records = 1
		p := payer{shown(row.Consumer), shown(row.Model)}
		exported[p] = exported[p].plus(row.sum())
	}
	payers := maps.Clone(ledger)
	for _, others := range []map[payer]sum{summed, taken, exported} {
		maps.Copy(payers, others)
	}
	for p := range payers {
		total = total.plus(ledger[p])
		if ledger[p] != summed[p] || ledger[p] != taken[p] || ledger[p] != exported[p] {
			report.differ("usage of %+v: records say %+v, /v1/usage %+v, what was taken from /v1/records %+v, the export %+v",
				p, ledger[p], summed[p], taken[p], exported[p])
		}
	}
	report.Tokens = total.total
	if all.Total.sum() != total {
		report.differ("the total of /v1/usage is %+v, that of the records %+v", all.Total.sum(), total)
	}
	return nil
}

// figures are the counts of JSON.
type figures struct {
	Records    int64
	Prompt     int64 `json:"prompt_tokens"`
	Completion int64 `json:"completion_tokens"`
	Total      int64 `json:"total_tokens"`
}

func (f figures) sum() sum { return sum{f.Records, f.Prompt, f.Completion, f.Total} }

func (s sum) plus(t sum) sum {
	return sum{s.records + t.records, s.prompt + t.prompt, s.completion + t.completion, s.total + t.total}
}

func shown(text *string) string {
	if text == nil {
		return "NULL"
	}
	return fmt.Sprintf("%q", *text)
}

// payers sums the ledger.
func payers(ctx context.Context, run Run) (map[payer]sum, error) {
	rows, err := run.DB.QueryContext(ctx, `
		SELECT consumer, model, COUNT(*), CAST(SUM(prompt_tokens) AS SIGNED), CAST(SUM(completion_tokens) AS SIGNED),
		       CAST(SUM(total_tokens) AS SIGNED)
		FROM mq_consume_log GROUP BY consumer, model`)
	if err != nil {
		return nil, fmt.Errorf("read sums: %w", err)
	}
	defer rows.Close()
	all := map[payer]sum{}
	for rows.Next() {
		var consumer, model *string
		var s sum
		if err := rows.Scan(&consumer, &model, &s.records, &s.prompt, &s.completion, &s.total); err != nil {
			return nil, fmt.Errorf("read sums: %w", err)
		}
		all[payer{shown(consumer), shown(model)}] = s
	}
	return all, rows.Err()
}
