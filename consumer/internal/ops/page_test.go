package ops_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"gateway-billing.internal/consumer/internal/ops"
	"gateway-billing.internal/consumer/internal/source"
)

// page documents every metric in a row of a table: name, type, labels, meaning, what to do.
const page = "../../METRICS.md"

var row = regexp.MustCompile("^\\| `(billing_\\w+)` \\| (\\w+) \\| (.*?) \\| (.*?) \\| (.*?) \\|$")

// The page says of each metric what the registry says, of no other, and of each what to do. Dashboards and alerts rest on
// names, types and labels: a change must be meant.
func TestPageDocumentsEveryMetric(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	ops.NewMetrics(registry).StampsMissing(0)
	ops.Watch(registry, watched(fullState(time.Now()), &source.State{Looked: true}))
	problems, err := testutil.GatherAndLint(registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("lint: %v %v", problems, err)
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if m := row.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			if documented[m[1]] != "" {
				t.Errorf("%s stands in %s twice", m[1], page)
			}
			if len(m[5]) < 10 {
				t.Errorf("%s: %s does not say what to do", m[1], page)
			}
			documented[m[1]] = strings.Join(m[1:5], " | ")
		}
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, "`"+l.GetName()+"`")
		}
		want := fmt.Sprintf("%s | %s | %s | %s", f.GetName(), strings.ToLower(f.GetType().String()),
			strings.Join(labels, ", "), f.GetHelp())
		if documented[f.GetName()] != want {
			t.Errorf("%s says\n%s\nand the metric\n%s", page, documented[f.GetName()], want)
		}
		delete(documented, f.GetName())
	}
	for name := range documented {
		if strings.HasPrefix(name, "billing_api_") { // package api holds the page against these
			continue
		}
		t.Errorf("%s: there is no such metric (%s)", name, page)
	}
}
