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
	add := func(to map[account]sum, a account, f figures) { to[a] = to[a].plus(f.sum()) }
	for line := range bytes.Lines(run.Usage.Report) {
		var row struct {
			Group struct{ Consumer, Route, Billable string }
			figures
		}
		if err := json.Unmarshal(line, &row); err != nil {
			return fmt.Errorf("usage report: %w", err)
		}
		add(reported, account{row.Group.Consumer, row.Group.Route, row.Group.Billable == "true"}, row.figures)
	}
	for line := range bytes.Lines(run.Usage.Export) {
		var row struct {
			Consumer string
			Route    string `json:"route_id"`
			Billable bool
			figures
		}
		if err := json.Unmarshal(line, &row); err != nil {
			return fmt.Errorf("usage export: %w", err)
		}
		row.Records = 1
		add(exported, account{row.Consumer, row.Route, row.Billable}, row.figures)
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
