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
	binary := func(name string) string { return filepath.Join(dir, name) }
	// The benchmark is built as it is used: the RocketMQ client that it holds has data races of its own.
	for name, module := range map[string]string{
		"bench": ".", "noop": "../nooprunner", "consumer": "../../../../consumer", "runner": "../../../../plugin",
	} {
		cmd := exec.CommandContext(t.Context(), "go", "build", "-o", binary(name), ".")
		cmd.Dir = module
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", module, err, out)
		}
	}
	cmd := exec.CommandContext(t.Context(), binary("bench"), "-consumer", binary("consumer"), "-runner", binary("runner"), "-noop", binary("noop"),
		"-n", "2000", "-backlog", "4000", "-rounds", "1", "-hang", "2s", "-warm", "0", "-page", binary("page.md"))
	printed, err := cmd.CombinedOutput()
	out := string(printed)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	page, err := os.ReadFile(binary("page.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"drain_single", "drain_batch10", "drain_batch100", "drain_nobody", "limit_writer", "limit_transport", "drain_vs_limit",
		"drain_vs_seed_style", "cpu_per_record", "rss_peak", "rss_outage_single", "rss_outage_large_body",
		"rss_outage_large_batch", "stamp_ns", "commit_latency_p50", "commit_latency_p99", "dup100",
		"plugin_vs_noop_var_c1", "plugin_vs_noop_var_c16", "plugin_vs_noop_headers_c1", "plugin_vs_noop_headers_c16",
	} {
		if !strings.Contains(out, "BENCH name="+name+" value=") || !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("no %s in the output, or on the page", name)
		}
	}
	if strings.Contains(out, "value=0.00") || strings.Contains(out, "NaN") || strings.Contains(out, "Inf") {
		t.Errorf("a figure that is none:\n%s", out)
	}
}
