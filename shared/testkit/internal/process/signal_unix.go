//go:build unix

package process

import (
	"os"
	"syscall"
)

func terminate(p *os.Process) error {
	// A paused process would take notice only after it is resumed.
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return p.Signal(syscall.SIGCONT)
}

func pause(p *os.Process) error  { return p.Signal(syscall.SIGSTOP) }
func resume(p *os.Process) error { return p.Signal(syscall.SIGCONT) }
