package inspect_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"gateway-billing.internal/consumer/internal/inspect"
	"gateway-billing.internal/consumer/internal/meter"
	"gateway-billing.internal/consumer/internal/policy"
)

// inspect shows what the configuration makes of an entry: quantities, billable with its reason, the estimate.
func TestShowsWhatIsConfigured(t *testing.T) {
	path, err := meter.ParsePath("$.usage.prompt_tokens_details.cached_tokens")
	if err != nil {
		t.Fatal(err)
	}
	bytesOut, _ := meter.BuiltIn(meter.UnitResponseBytes)
	d := deriver(t)
	d.Policy = policy.Policy{
		{Match: policy.Match{RouteID: new("chat")}, Meters: []meter.Meter{
			{Unit: "hits", From: meter.ResponseJSON(path)}, {Unit: meter.UnitResponseBytes, From: bytesOut},
			{Unit: "credits", From: meter.ResponseHeader("X-Credits")},
		}, Billable: policy.Billable{Methods: []string{"GET"}}},
		{BytesPerToken: 4},
	}
	for sample, want := range map[string]string{
		// The request is not billable: credits that are not there are no lack.
		"plain-json.jsonl": `exact [{"unit":"hits","quantity":"4"},{"unit":"response_bytes","quantity":"588"}] false method null []`,
		// 1614 and 276 bytes on the wire, another route.
		"abort-midstream.jsonl": `missing null true success 473 ["estimated"]`,
	} {
		body, err := os.ReadFile(filepath.Join(samples, sample))
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := inspect.Write(&out, d, body); err != nil {
			t.Fatal(err)
		}
		var line struct {
			State      string          `json:"usage_state"`
			Quantities json.RawMessage `json:"quantities"`
			Billable   bool            `json:"billable"`
			Reason     string          `json:"billable_reason"`
			Estimate   json.RawMessage `json:"estimated_tokens"`
			Marks      json.RawMessage `json:"marks"`
		}
		if err := json.Unmarshal(out.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		if line.Marks == nil || string(line.Marks) == "null" {
			line.Marks = json.RawMessage("[]")
		}
		if got := fmt.Sprintf("%s %s %t %s %s %s", line.State, line.Quantities, line.Billable, line.Reason, line.Estimate, line.Marks); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", sample, got, want)
		}
	}
}
