//go:build !unix

package main

import (
	"os"
	"os/exec"
)

var forwarded = []os.Signal{os.Interrupt}

func ownGroup(*exec.Cmd) {}

func forward(cmd *exec.Cmd, _ os.Signal) { _ = cmd.Process.Kill() }

func detach(*exec.Cmd) {}
