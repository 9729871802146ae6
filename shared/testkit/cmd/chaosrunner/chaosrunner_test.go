package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gateway-billing.internal/shared/testkit/stack"
)

// The RocketMQ client starts a goroutine when it is loaded. Three that each producer has sleep for up to 10 s before
// they look whether it is closed, and the connection to the name server stays open for 120 s.
func TestMain(m *testing.M) {
	const (
		module = "github.com/apache/rocketmq-client-go/v2/internal"
		start  = module + ".(*rmqClient).Start.func1."
	)
	os.Exit(stack.Main(m, goleak.IgnoreCurrent(),
		goleak.IgnoreAnyFunction(start+"1"), goleak.IgnoreAnyFunction(start+"3"), goleak.IgnoreAnyFunction(start+"4"),
		goleak.IgnoreAnyFunction(module+"/remote.(*remotingClient).receiveResponse")))
}

func TestAShortStorm(t *testing.T) {
	if testing.Short() {
		t.Skip("short mode: this test needs servers")
	}
	dir := t.TempDir()
	o := options{
		runner: filepath.Join(dir, "runner"), consumer: filepath.Join(dir, "consumer"), duration: 8 * time.Second, rate: 150, restarts: 4,
	}
	for to, module := range map[string]string{o.runner: "../../../../plugin", o.consumer: "../../../../consumer"} {
		cmd := exec.Command("go", "build", "-o", to, ".")
		cmd.Dir = module
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", module, err, out)
		}
	}
	var out strings.Builder
	err := run(t.Context(), o, &out)
	t.Log(out.String())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "ended 2 times by KILL, 2 by TERM") {
		t.Error("the storm was none")
	}
}
