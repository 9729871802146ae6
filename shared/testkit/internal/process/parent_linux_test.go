package process

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

func TestChildDiesWithItsParent(t *testing.T) {
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), parentEnv+"=1")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var child int
	if _, err := fmt.Fscan(bufio.NewReader(out), &child); err != nil {
		t.Error(err)
	}
	if err := syscall.Kill(child, 0); err != nil {
		t.Errorf("the child is gone before its parent: %v", err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Error(err)
	}
	parent.Wait()
	deadline := time.Now().Add(30 * time.Second)
	for syscall.Kill(child, 0) == nil {
		if time.Now().After(deadline) {
			t.Fatal("the child lives on")
		}
		time.Sleep(5 * time.Millisecond)
	}
}
