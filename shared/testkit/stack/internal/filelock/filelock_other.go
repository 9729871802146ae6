//go:build !unix

package filelock

// Available says that locks hold on this operating system.
const Available = false

// Try pretends to have the lock.
func Try(string) (unlock func(), locked bool, err error) { return func() {}, true, nil }
