//go:build unix

package main

import (
	"os"
	"os/exec"
	"syscall"
)

var forwarded = []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT}

// ownGroup gives a command a process group, so that a signal reaches it and its children once: by forward.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func forward(cmd *exec.Cmd, sig os.Signal) {
	// It fails only when the group has ended, which the caller sees anyway.
	_ = syscall.Kill(-cmd.Process.Pid, sig.(syscall.Signal))
}

// detach makes a command outlive this process and its terminal.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
