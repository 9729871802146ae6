package api_test

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"gateway-billing.internal/consumer/internal/api"
	"gateway-billing.internal/consumer/internal/apitoken"
)

// page documents every metric in a row of a table; those of others are package ops's to hold against it.
const page = "../../METRICS.md"

// The metrics count what was asked, by operation and status and by nothing that a caller chose; the page says of each what the
// registry says, and of no other.
func TestMetrics(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewPedanticRegistry()
	s := serve(t, []apitoken.Grant{everything("ops")}, func(o *api.Options) { o.Registry = registry })
	s.get("ops", "/v1/usage?from=today&consumer=alice")
	s.get("ops", "/v1/usage?from=today&consumer=alice", "If-None-Match", "*")
	s.wrong("", "/v1/gaps")
	s.get("ops", "/v1/dead-letters/77")
	s.raw(http.MethodGet, "/v1/alice", nil, nil)
	want := `
		# HELP billing_api_requests_total Requests to the HTTP API, by operation and status of the answer.
		# TYPE billing_api_requests_total counter
		billing_api_requests_total{code="200",operation="getUsage"} 1
		billing_api_requests_total{code="304",operation="getUsage"} 1
		billing_api_requests_total{code="401",operation="listGaps"} 1
		billing_api_requests_total{code="404",operation="getDeadLetter"} 1
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "billing_api_requests_total"); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
		t.Errorf("lint: %v %v", problems, err)
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(billing_api_\\w+)` \\| (\\w+) \\| (.*?) \\| (.*?) \\| .{10,} \\|$").FindAllStringSubmatch(string(text), -1) {
		documented = append(documented, strings.Join(m[1:], " | "))
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var served []string
	for _, f := range families {
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, "`"+l.GetName()+"`")
		}
		served = append(served, fmt.Sprintf("%s | %s | %s | %s", f.GetName(), strings.ToLower(f.GetType().String()), strings.Join(labels, ", "), f.GetHelp()))
	}
	slices.Sort(documented)
	if !slices.Equal(documented, served) {
		t.Errorf("%s says\n%s\nserved are\n%s", page, strings.Join(documented, "\n"), strings.Join(served, "\n"))
	}
}
