package main_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"gateway-billing.internal/shared/testkit/stack"
)

const (
	rulesFile = "alerts/billing-consumer.rules.yaml"
	rulesTest = "alerts/billing-consumer.rules.test.yaml"
)

// rule is one alert rule.
type rule struct {
	Alert       string
	Expr        string
	For         string
	Labels      map[string]string
	Annotations map[string]string
}

func rules(t *testing.T) (all []rule) {
	t.Helper()
	text, err := os.ReadFile(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Groups []struct{ Rules []rule } }
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	return all
}

// Each alert says what it means and what cures it, rests on metrics that METRICS.md documents, stands there, and has a unit
// test that sees it fire.
func TestAlertsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("METRICS.md")
	if err != nil {
		t.Fatal(err)
	}
	tests, err := os.ReadFile(rulesTest)
	if err != nil {
		t.Fatal(err)
	}
	metric := regexp.MustCompile(`billing_\w+`)
	var names []string
	for _, r := range rules(t) {
		names = append(names, r.Alert)
		for _, annotation := range []string{"summary", "meaning", "cure"} {
			if len(r.Annotations[annotation]) < 10 {
				t.Errorf("%s has no %s", r.Alert, annotation)
			}
		}
		for _, name := range metric.FindAllString(r.Expr, -1) {
			if !strings.Contains(string(page), "| `"+strings.TrimSuffix(name, "_bucket")+"` |") {
				t.Errorf("%s rests on %s, which METRICS.md does not know", r.Alert, name)
			}
		}
		if !strings.Contains(string(page), "`"+r.Alert+"`") {
			t.Errorf("METRICS.md does not name %s", r.Alert)
		}
		if !strings.Contains(string(tests), `alertname="`+r.Alert+`"`) {
			t.Errorf("%s sees no %s fire", rulesTest, r.Alert)
		}
	}
	for _, m := range regexp.MustCompile("`(Billing[A-Z]\\w+)`").FindAllStringSubmatch(string(page), -1) {
		if !slices.Contains(names, m[1]) {
			t.Errorf("METRICS.md names %s, which is no alert", m[1])
		}
	}
}

// The rules are what Prometheus takes, and do what their unit tests say.
func TestAlertRules(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"check", "rules", rulesFile}, {"test", "rules", rulesTest}} {
		if out, err := stack.Promtool(t, ".", args...); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
}
