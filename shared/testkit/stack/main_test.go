package stack_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gateway-billing.internal/shared/testkit/stack"
)

// holdEnv makes this test binary hold a stack of its own until it is killed, in the place of running tests.
const holdEnv = "STACK_TEST_HOLD"

func TestMain(m *testing.M) {
	if os.Getenv(holdEnv) != "" {
		hold()
	}
	os.Exit(stack.Main(m))
}

func hold() {
	s, err := stack.Start(context.Background(), stack.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(s.RocketMQ.NameServer.PID(), s.RocketMQ.Broker.PID(), s.Database.PID())
	select {}
}

// alone gives a test a directory for temporary files that nobody else uses, so that it sees what is left there.
func alone(t *testing.T) (tempDir string) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Setenv(stack.NameServerEnv, "")
	t.Setenv(stack.DatabaseEnv, "")
	return dir
}

// left lists what a stack left behind: files in its directory for temporary files, and processes that were started with
// a path in there (Linux).
func left(t *testing.T, tempDir string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(tempDir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	commands, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range commands {
		if command, err := os.ReadFile(path); err == nil && strings.Contains(string(command), tempDir) {
			found = append(found, path+": "+strings.ReplaceAll(string(command), "\x00", " "))
		}
	}
	return found
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("after 30 s still not: %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func needServers(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("short mode: this test needs servers")
	}
}
