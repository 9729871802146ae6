package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gateway-billing.internal/shared/testkit/stack"
)

// asProgramEnv makes this test binary be the program.
const asProgramEnv = "STACK_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgramEnv) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(stack.Main(m))
}

func program(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgramEnv+"=1")
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// runProgram runs the program to its end and returns its standard output and exit code.
func runProgram(t *testing.T, args ...string) (out string, code int) {
	t.Helper()
	cmd := program(args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	t.Logf("stack %s: %v\n%s%s", strings.Join(args, " "), err, &stdout, &stderr)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return stdout.String(), cmd.ProcessState.ExitCode()
}

func needServers(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("short mode: this test needs servers")
	}
}

func TestUpExecDown(t *testing.T) {
	needServers(t)
	tempDir, dir := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", tempDir)
	t.Setenv(stack.NameServerEnv, "")
	t.Setenv(stack.DatabaseEnv, "")
	t.Setenv(stack.StateEnv, filepath.Join(dir, "state.json"))

	out, code := runProgram(t, "up", "-dir", dir)
	if code != 0 {
		t.Fatalf("up: exit code %d", code)
	}
	t.Cleanup(func() { stack.Down(filepath.Join(dir, "state.json")) })
	state, err := stack.ReadState(filepath.Join(dir, "state.json"))
	if err != nil || state == nil {
		t.Fatalf("state %v, %v", state, err)
	}
	if !strings.Contains(out, state.NameServers) || !strings.Contains(out, state.DSN) {
		t.Error("up does not print how to reach the servers")
	}
	if len(state.Processes) != 4 {
		t.Errorf("processes: %v", state.Processes)
	}
	if again, code := runProgram(t, "up", "-dir", dir); code != 0 || again != out {
		t.Errorf("up for a second time: exit code %d, %s", code, again)
	}

	t.Run("tests find it", func(t *testing.T) {
		s := stack.Shared(t)
		s.RocketMQ.NewTopic(t, 1)
		s.Database.NewDatabase(t)
		if got := s.RocketMQ.NameServer.Addr(); got != state.NameServers {
			t.Errorf("name server %s, want %s", got, state.NameServers)
		}
	})
	t.Run("exec", func(t *testing.T) {
		// On servers from outside, to spare a start.
		t.Setenv(stack.NameServerEnv, state.NameServers)
		t.Setenv(stack.DatabaseEnv, state.DSN)
		testExec(t, state)
	})

	if _, code := runProgram(t, "down", "-dir", dir); code != 0 {
		t.Errorf("down: exit code %d", code)
	}
	for _, p := range state.Processes {
		if p.Runs() {
			t.Errorf("the %s still runs", p.Name)
		}
	}
	for _, pattern := range []string{filepath.Join(tempDir, "*"), filepath.Join(dir, "state.json*")} {
		if left, err := filepath.Glob(pattern); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	}
	if out, code := runProgram(t, "down", "-dir", dir); code != 0 || !strings.Contains(out, "Nothing is running") {
		t.Errorf("down for a second time: exit code %d, %s", code, out)
	}
}

func testExec(t *testing.T, state *stack.State) {
	out, code := runProgram(t, "exec", "--", "sh", "-c", "echo $"+stack.NameServerEnv+" $"+stack.DatabaseEnv+"; exit 7")
	if want := state.NameServers + " " + state.DSN + "\n"; out != want || code != 7 {
		t.Errorf("output %q and exit code %d, want %q and 7", out, code, want)
	}
	if _, code := runProgram(t, "exec", "--", "no-such-program"); code != 1 {
		t.Errorf("a missing program: exit code %d", code)
	}
	if _, code := runProgram(t, "exec", "--"); code != 1 {
		t.Errorf("no program: exit code %d", code)
	}

	// A signal is the command's to answer.
	cmd := program("exec", "--", "sh", "-c", "trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(stdout, make([]byte, len("ready\n"))); err != nil {
		t.Error(err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	io.Copy(io.Discard, stdout)
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 9 {
		t.Errorf("exit code %d after a signal, want the command's 9", code)
	}
}

func TestExecStopsWhatItStarted(t *testing.T) {
	needServers(t)
	tempDir := t.TempDir()
	t.Setenv("TMPDIR", tempDir)
	t.Setenv(stack.NameServerEnv, "")
	t.Setenv(stack.DatabaseEnv, "")
	if out, code := runProgram(t, "exec", "--", "ls", tempDir); code != 0 || !strings.Contains(out, "billing-stack-") {
		t.Errorf("exit code %d, output %q", code, out)
	}
	if left, err := filepath.Glob(filepath.Join(tempDir, "*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}

	// A signal while the servers start ends them.
	cmd := program("exec", "--", "true")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(time.Minute)
	for {
		if logs, _ := filepath.Glob(filepath.Join(tempDir, "*", "rocketmq", "broker", "log")); len(logs) > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("no broker was started")
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if cmd.Wait(); cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("exit code %d", cmd.ProcessState.ExitCode())
	}
	if left, err := filepath.Glob(filepath.Join(tempDir, "*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestUsage(t *testing.T) {
	for _, tc := range []struct {
		args []string
		code int
	}{
		{nil, 1},
		{[]string{"help"}, 0},
		{[]string{"sideways"}, 1},
		{[]string{"up", "-no-such-flag"}, 1},
	} {
		if _, code := runProgram(t, tc.args...); code != tc.code {
			t.Errorf("stack %v: exit code %d, want %d", tc.args, code, tc.code)
		}
	}
}
