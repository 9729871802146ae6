package frameserver

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
)

// Listener listens at a path until Close.
type Listener struct {
	*net.UnixListener
	path string
	made os.FileInfo
}

// Listen makes a socket at path, which everyone may connect to whom mode lets write. It is made beside and moved there: at no
// time is there none, or one with other rights. A socket that stands there already, stale or of a runner that is at its end,
// is replaced; anything else is not touched.
func Listen(path string, mode fs.FileMode) (*Listener, error) {
	if _, err := Replaceable(path); err != nil {
		return nil, err
	}
	beside := filepath.Join(filepath.Dir(path), fmt.Sprintf(".r%d", os.Getpid()))
	if err := os.Remove(beside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("socket: %w", err)
	}
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: beside, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("socket %s: %w", path, err)
	}
	listener.SetUnlinkOnClose(false)
	made, err := publish(beside, path, mode)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("socket: %w", err), listener.Close(), os.Remove(beside))
	}
	return &Listener{UnixListener: listener, path: path, made: made}, nil
}

func publish(beside, path string, mode fs.FileMode) (os.FileInfo, error) {
	if err := os.Chmod(beside, mode); err != nil {
		return nil, err
	}
	made, err := os.Lstat(beside)
	if err != nil {
		return nil, err
	}
	return made, os.Rename(beside, path)
}

// Replaceable reports whether a socket is at path. Anything else there is an error.
func Replaceable(path string) (there bool, err error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("socket: %w", err)
	case info.Mode().Type() != fs.ModeSocket:
		return false, fmt.Errorf("socket %s: something else is there, and is left alone", path)
	}
	return true, nil
}

// Close ends the listening and removes the path, unless it is another runner's by now.
func (l *Listener) Close() error {
	err := l.UnixListener.Close()
	if now, statErr := os.Lstat(l.path); statErr == nil && os.SameFile(now, l.made) {
		err = errors.Join(err, os.Remove(l.path))
	}
	return err
}
