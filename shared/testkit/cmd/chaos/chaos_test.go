package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"gateway-billing.internal/shared/testkit/chaos/traffic"
)

// A short run with a fixed seed is a part of the tests. Its servers are its own, whatever the environment brings, since it
// kills them.
func TestAShortRunHolds(t *testing.T) {
	if testing.Short() {
		t.Skip("short mode: this test needs servers")
	}
	if err := mysql.SetLogger(&mysql.NopLogger{}); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	o := options{
		runner: filepath.Join(dir, "runner"), consumer: filepath.Join(dir, "consumer"), logs: filepath.Join(dir, "logs"),
		seed: 1, duration: time.Minute, rate: 150, profile: traffic.Default, database: "mariadb",
	}
	build(t, o.runner, "../../../../plugin")
	build(t, o.consumer, "../../../../consumer", "-tags", "chaos")
	var out strings.Builder
	err := run(t.Context(), o, &out)
	t.Log(out.String())
	if err != nil {
		for _, log := range logs(t, o.logs) {
			t.Log(log)
		}
		t.Fatal(err)
	}
}

func build(t *testing.T, to, module string, flags ...string) {
	t.Helper()
	cmd := exec.Command("go", append(append([]string{"build", "-o", to}, flags...), ".")...)
	cmd.Dir = module
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", module, err, out)
	}
}

// logs are the ends of the logs of a run that failed: the test's directory goes with it.
func logs(t *testing.T, dir string) (ends []string) {
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, filepath.Base(file)+"\n"+string(text[max(0, len(text)-1500):]))
	}
	return ends
}
