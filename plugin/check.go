package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gateway-billing.internal/plugin/internal/frameserver"
	"gateway-billing.internal/shared/billingkey"
)

// maxSocketPath is the most bytes that the kernel takes for the path of a socket.
const maxSocketPath = 107

// check says of each thing that serving needs whether it is there, and reports whether all are; a WARN is to be known and may
// be meant. It changes nothing: files that it makes to try are gone when it returns.
func check(getenv func(string) string, out io.Writer) (ok bool) {
	ok = true
	mark := func(mark, what, how string) { fmt.Fprintf(out, "%-4s  %-16s %s\n", mark, what, how) }
	say := func(what, how string, err error) {
		if err == nil {
			mark("ok", what, how)
			return
		}
		ok = false
		for line := range strings.SplitSeq(err.Error(), "\n") { // errors.Join gives each error its line
			mark("FAIL", what, line)
		}
	}
	s, err := loadSettings(getenv)
	say("configuration", "runner "+s.runner, err)
	for _, warning := range ineffective(os.Environ()) {
		mark("WARN", "configuration", warning)
	}
	switch {
	case s.keys == nil: // the configuration's line says why
	case s.keys.Empty():
		mark("WARN", "stamp keys", "NOT sealed: anyone can make stamps")
	default:
		say("stamp keys", s.keys.String(), sealable(s.keys))
	}
	if s.socket == "" {
		return ok
	}
	how, err := socketState(s.socket)
	say("socket", how, err)
	say("socket directory", filepath.Dir(s.socket), writable(filepath.Dir(s.socket)))
	dir := s.stateDir
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		dir = filepath.Dir(dir) // it will be made
	}
	say("state directory", s.stateDir, writable(dir))
	if n, err := descriptors(); err == nil {
		say("descriptors", fmt.Sprintf("%d, one for each connection of a worker of APISIX", n), nil)
	}
	return ok
}

func sealable(keys *billingkey.KeySet) error {
	sealer, err := billingkey.NewSealer(keys, billingkey.Epoch{}, rand.Reader)
	if err != nil {
		return err
	}
	return sealer.Ready(time.Now())
}

// socketState says what stands at the path of the socket, which is an error where no socket can be made.
func socketState(path string) (string, error) {
	if len(path) > maxSocketPath {
		return "", fmt.Errorf("a path of over %d bytes is too long for a socket", maxSocketPath)
	}
	there, err := frameserver.Replaceable(path)
	switch {
	case err != nil:
		return "", err
	case !there:
		return "nothing there yet: " + path, nil
	case !answers(path):
		return "a stale one is there, which a runner replaces: " + path, nil
	}
	return "a runner answers there, which another one would replace: " + path, nil
}

func answers(path string) bool {
	dialer := net.Dialer{Timeout: time.Second}
	conn, err := dialer.DialContext(context.Background(), "unix", path)
	return err == nil && conn.Close() == nil
}

func writable(dir string) error {
	file, err := os.CreateTemp(dir, ".check")
	if err != nil {
		return err
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}
