package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A run of few requests gives every figure, and finds every record exact: what it measures is right, whatever the figures.
func TestASmallRunGivesEveryFigure(t *testing.T) {
	if testing.Short() {
		t.Skip("short mode: this test needs servers")
	}
	dir := t.TempDir()
	o := options{
		consumer: filepath.Join(dir, "consumer"), runner: filepath.Join(dir, "runner"), noop: filepath.Join(dir, "noop"),
		server: "mariadb", requests: 2000, backlog: 4000, rounds: 1, page: filepath.Join(dir, "page.md"), parts: allParts,
	}
	for to, module := range map[string]string{o.consumer: "../../../../consumer", o.runner: "../../../../plugin", o.noop: "../nooprunner"} {
		cmd := exec.Command("go", "build", "-o", to, ".")
		cmd.Dir = module
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", module, err, out)
		}
	}
	var out strings.Builder
	if err := run(t.Context(), o, &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	page, err := os.ReadFile(o.page)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"drain_single", "drain_batch10", "drain_batch100", "drain_nobody", "limit_writer", "limit_transport", "drain_vs_limit",
		"drain_vs_seed_style", "cpu_per_record", "rss_peak", "commit_latency_p50", "commit_latency_p99", "dup100",
		"plugin_vs_noop_var_c1", "plugin_vs_noop_var_c16", "plugin_vs_noop_headers_c1", "plugin_vs_noop_headers_c16",
	} {
		if !strings.Contains(out.String(), "BENCH name="+name+" value=") || !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("no %s in the output, or on the page", name)
		}
	}
	if strings.Contains(out.String(), "value=0.00") || strings.Contains(out.String(), "NaN") || strings.Contains(out.String(), "Inf") {
		t.Errorf("a figure that is none:\n%s", out.String())
	}
}
