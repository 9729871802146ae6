package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os/exec"
	"strings"
	"time"

	"gateway-billing.internal/shared/testkit/programs"
)

// shownConsumer is the APISIX consumer whose usage the story shows.
const shownConsumer = "alice"

// days are those of a story, from the beginning of one to the end of another: a story may be told at midnight.
type days struct{ from, to string }

func daysOf(start, end time.Time) days {
	return days{start.UTC().Format(time.DateOnly), end.UTC().AddDate(0, 0, 1).Format(time.DateOnly)}
}

// sums are what is shown of them.
type sums struct {
	Records    int64 `json:"records"`
	Missing    int64 `json:"usage_missing"`
	Prompt     int64 `json:"prompt_tokens"`
	Completion int64 `json:"completion_tokens"`
	Total      int64 `json:"total_tokens"`
}

// answer is what is shown of the API's answer.
type answer struct {
	Rows []struct {
		Group map[string]*string `json:"group"`
		sums
	} `json:"rows"`
	Total sums `json:"total"`
}

func ask(ctx context.Context, p *parts, address, query string) (a answer, err error) {
	body, err := programs.Ask(ctx, address+"/v1/usage?"+query, p.token)
	if err != nil {
		return a, err
	}
	return a, json.Unmarshal(body, &a)
}

// askAccounts asks the API for the sums by APISIX consumer and route.
func askAccounts(ctx context.Context, p *parts, address string, d days) (map[account]sum, error) {
	a, err := ask(ctx, p, address, url.Values{"from": {d.from}, "to": {d.to}, "by": {"consumer,route"}}.Encode())
	if err != nil {
		return nil, err
	}
	accounts := map[account]sum{}
	for _, row := range a.Rows {
		key := account{"(unknown)", "(unknown)"}
		if name := row.Group["consumer"]; name != nil {
			key.consumer = *name
		}
		if name := row.Group["route"]; name != nil {
			key.route = *name
		}
		accounts[key] = sum{row.Records, row.Prompt, row.Completion}
	}
	return accounts, nil
}

// showUsage shows what one APISIX consumer used, by model, in the terminal and by HTTP, and gives the tokens of both.
func (s story) showUsage(ctx context.Context, p *parts, address string, d days) (reported, answered int64, err error) {
	command := []string{"usage", "report", "--config", p.consumer.config(), "--from", d.from, "--to", d.to, "--consumer", shownConsumer, "--by", "model"}
	table, err := output(ctx, p.consumer.binary, command...)
	if err != nil {
		return 0, 0, err
	}
	lines, err := output(ctx, p.consumer.binary, append(command, "--output", "ndjson")...)
	if err != nil {
		return 0, 0, err
	}
	for line := range bytes.Lines(lines) {
		var row sums
		if err := json.Unmarshal(line, &row); err != nil {
			return 0, 0, fmt.Errorf("billing-consumer usage report: %w", err)
		}
		reported += row.Total
	}
	query := fmt.Sprintf("from=%s&to=%s&consumer=%s&by=model", d.from, d.to, shownConsumer)
	a, err := ask(ctx, p, address, query)
	if err != nil {
		return 0, 0, err
	}
	fmt.Fprintf(s.out, "What %s used, by model, in the terminal:\n\n  billing-consumer %s\n\n%s\n", shownConsumer, strings.Join(command, " "), table)
	fmt.Fprintf(s.out, "and by HTTP (shortened):\n\n  curl -H 'Authorization: Bearer %.8s…' '%s/v1/usage?%s'\n\n", p.token, address, query)
	for _, row := range a.Rows {
		text, err := json.Marshal(row)
		if err != nil {
			return 0, 0, err
		}
		fmt.Fprintf(s.out, "  %s\n", text)
	}
	fmt.Fprintln(s.out)
	return reported, a.Total.Total, nil
}

func output(ctx context.Context, binary string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, binary, args...)
	var problem strings.Builder
	cmd.Stderr = &problem
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("billing-consumer %s: %w\n%s", strings.Join(args, " "), err, problem.String())
	}
	return out, nil
}
