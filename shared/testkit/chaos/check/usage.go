package check

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
)

// usage holds what billing-consumer says of all usage against the records: its own comparison, its report and its export.
func usage(ctx context.Context, run Run, report *Report) error {
	if run.Usage.Wrong != "" {
		report.differ("usage verify: %s", run.Usage.Wrong)
	}
	ledger, err := sums(ctx, run.DB, `
		SELECT COALESCE(consumer, ''), COALESCE(route_id, ''), billable, COUNT(*), CAST(SUM(prompt_tokens) AS SIGNED),
		       CAST(SUM(completion_tokens) AS SIGNED), CAST(SUM(total_tokens) AS SIGNED)
		FROM mq_consume_log GROUP BY 1, 2, 3`)
	if err != nil {
		return err
	}
	reported, exported := map[account]sum{}, map[account]sum{}
	type counts struct {
		Records    int64
		Prompt     int64 `json:"prompt_tokens"`
		Completion int64 `json:"completion_tokens"`
		Total      int64 `json:"total_tokens"`
	}
	add := func(to map[account]sum, a account, c counts) {
		s := to[a]
		to[a] = sum{s.records + c.Records, s.prompt + c.Prompt, s.completion + c.Completion, s.total + c.Total}
	}
	for line := range bytes.Lines(run.Usage.Report) {
		var row struct {
			Group struct{ Consumer, Route, Billable string }
			counts
		}
		if err := json.Unmarshal(line, &row); err != nil {
			return fmt.Errorf("usage report: %w", err)
		}
		add(reported, account{row.Group.Consumer, row.Group.Route, row.Group.Billable == "true"}, row.counts)
	}
	for line := range bytes.Lines(run.Usage.Export) {
		var row struct {
			Consumer string
			Route    string `json:"route_id"`
			Billable bool
			counts
		}
		if err := json.Unmarshal(line, &row); err != nil {
			return fmt.Errorf("usage export: %w", err)
		}
		row.Records = 1
		add(exported, account{row.Consumer, row.Route, row.Billable}, row.counts)
	}
	accounts := maps.Clone(ledger)
	maps.Copy(accounts, reported)
	maps.Copy(accounts, exported)
	for a := range accounts {
		if ledger[a] != reported[a] || ledger[a] != exported[a] {
			report.differ("usage of %+v: records say %+v, the report %+v, the export %+v", a, ledger[a], reported[a], exported[a])
		}
	}
	return nil
}
