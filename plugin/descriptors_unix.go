//go:build unix

package main

import "syscall"

// descriptors is how many files and connections this process may have open. Go's runtime has raised it to the hard limit.
func descriptors() (uint64, error) {
	var limit syscall.Rlimit
	err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit)
	return uint64(limit.Cur), err //nolint:unconvert // it is signed on some systems
}
