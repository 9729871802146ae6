//go:build !unix

package process

import (
	"errors"
	"os"
)

var errNoPause = errors.New("this operating system can't pause a process")

func terminate(p *os.Process) error { return p.Kill() }
func pause(*os.Process) error       { return errNoPause }
func resume(*os.Process) error      { return errNoPause }
