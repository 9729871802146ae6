package process

import (
	"os/exec"
	"syscall"
)

// dieWithParent ties the child's life to the thread that starts it, and takes it out of the terminal's process group: a
// Ctrl-C reaches this process alone, which then stops its children in order.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
