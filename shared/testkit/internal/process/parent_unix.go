//go:build unix && !linux

package process

import (
	"os/exec"
	"syscall"
)

// dieWithParent can't be had here. The child gets a process group of its own, so that a Ctrl-C reaches this process
// alone, which then stops its children in order.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}
