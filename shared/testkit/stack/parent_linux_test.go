package stack_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"gateway-billing.internal/shared/testkit/stack"
)

// Elsewhere the servers of a killed process live on.
func TestServersDieWithTheirParent(t *testing.T) {
	needServers(t)
	tempDir := alone(t)
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), holdEnv+"=1")
	parent.Stderr = os.Stderr
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var pids [3]int
	_, err = fmt.Fscan(bufio.NewReader(out), &pids[0], &pids[1], &pids[2])
	if err == nil {
		// A paused server must go as well.
		err = syscall.Kill(pids[1], syscall.SIGSTOP)
	}
	if err := errors.Join(err, parent.Process.Kill()); err != nil {
		t.Error(err)
	}
	io.Copy(io.Discard, out)
	parent.Wait()
	eventually(t, "all servers are gone", func() bool {
		for _, pid := range pids {
			if syscall.Kill(pid, 0) == nil {
				return false
			}
		}
		return true
	})

	// Its directory remains, until a later start finds that nobody holds it any more.
	dirs, err := filepath.Glob(filepath.Join(tempDir, "billing-stack-*"))
	if err != nil || len(dirs) != 1 {
		t.Fatalf("directories %v, %v", dirs, err)
	}
	long := time.Now().Add(-time.Hour)
	if err := os.Chtimes(dirs[0], long, long); err != nil {
		t.Fatal(err)
	}
	stack.StartDatabase(t)
	if _, err := os.Stat(dirs[0]); err == nil {
		t.Errorf("%s is still there", dirs[0])
	}
}
