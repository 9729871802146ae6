package gateway

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

// runnerBinary is the real billing-runner, built once for all tests of this package.
var runnerBinary string

// The RocketMQ client starts a goroutine of its own when it is loaded.
func TestMain(m *testing.M) {
	ignore := goleak.IgnoreCurrent()
	dir, err := os.MkdirTemp("", "gateway-test")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	runnerBinary = filepath.Join(dir, "billing-runner")
	build := exec.Command("go", "build", "-o", runnerBinary, ".")
	build.Dir = "../../../plugin"
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build billing-runner: %v\n%s", err, out)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, ignore, goleak.Cleanup(func(code int) {
		os.RemoveAll(dir)
		os.Exit(code)
	}))
}
