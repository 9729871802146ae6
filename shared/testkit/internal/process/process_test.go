//go:build unix

package process

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// parentEnv makes this test binary start a child and wait to be killed.
const parentEnv = "PROCESS_TEST_PARENT"

func TestMain(m *testing.M) {
	if os.Getenv(parentEnv) != "" {
		p, err := Start(exec.Command("sleep", "1000"), os.DevNull)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(p.PID())
		select {}
	}
	goleak.VerifyTestMain(m)
}

func start(t *testing.T, script string) (p *Process, log string) {
	t.Helper()
	log = filepath.Join(t.TempDir(), "log")
	p, err := Start(exec.Command("sh", "-c", script), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Kill() })
	return p, log
}

// said waits until the child has written a word to its log.
func said(t *testing.T, log, word string) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !strings.Contains(Tail(log, 100, nil), word) {
		if time.Now().After(deadline) {
			t.Fatalf("the child did not say %q", word)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestStop(t *testing.T) {
	for _, tc := range []struct {
		name   string
		trap   string
		paused bool
		limit  time.Duration
		want   string
	}{
		{"ends in order", "exit 3", false, time.Minute, "exit status 3"},
		{"ends in order while paused", "exit 3", true, 10 * time.Second, "exit status 3"},
		{"must be killed", "", false, 50 * time.Millisecond, "signal: killed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, log := start(t, "trap '"+tc.trap+"' TERM; echo ready; while :; do sleep 0.01; done")
			said(t, log, "ready")
			if tc.paused {
				if err := p.Pause(); err != nil {
					t.Fatal(err)
				}
			}
			if err := p.Stop(tc.limit); err != nil {
				t.Fatal(err)
			}
			if p.Err() == nil || p.Err().Error() != tc.want {
				t.Errorf("it ended with %v, want %s", p.Err(), tc.want)
			}
			if err := p.Stop(tc.limit); err != nil {
				t.Errorf("second Stop: %v", err)
			}
			if err := p.Kill(); err != nil {
				t.Errorf("Kill after Stop: %v", err)
			}
		})
	}
}

func TestPauseAndResume(t *testing.T) {
	p, log := start(t, "trap 'echo heard; exit' TERM; echo ready; while :; do sleep 0.01; done")
	said(t, log, "ready")
	if err := p.Pause(); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(p.PID(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.Done():
		t.Fatal("a paused child heard a signal")
	case <-time.After(100 * time.Millisecond):
	}
	if err := p.Resume(); err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	said(t, log, "heard")
}

func TestStartOfNothing(t *testing.T) {
	if _, err := Start(exec.Command(filepath.Join(t.TempDir(), "absent")), os.DevNull); err == nil {
		t.Error("no error")
	}
	if _, err := Start(exec.Command("true"), t.TempDir()); err == nil {
		t.Error("no error for a log that can't be written")
	}
}

func TestStartTime(t *testing.T) {
	p, _ := start(t, "sleep 1000")
	first, err := StartTime(p.PID())
	if err != nil || first == "" {
		t.Fatalf("%q, %v", first, err)
	}
	if again, err := StartTime(p.PID()); again != first || err != nil {
		t.Errorf("%q and then %q, %v", first, again, err)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	if after, err := StartTime(p.PID()); err == nil {
		t.Errorf("an ended process started at %q", after)
	}
}

func TestTail(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	text := strings.Repeat("old\n", 100_000) + "noise\none\n\nnoise\ntwo\nthree"
	if err := os.WriteFile(log, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	noise := func(line string) bool { return line == "noise" }
	if got := Tail(log, 3, noise); got != "one\ntwo\nthree" {
		t.Errorf("%q", got)
	}
	if got := Tail(log+"absent", 3, nil); got != "" {
		t.Errorf("%q", got)
	}
}
