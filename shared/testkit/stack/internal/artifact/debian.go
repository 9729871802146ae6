package artifact

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

// errNotHere: this machine can't get packages from Debian's archive. The error that wraps it says why.
var errNotHere = errors.New("it is taken from Debian's archive for linux/amd64, by apt-get")

// errFetch: the archive did not give what it was asked for.
var errFetch = errors.New("asked Debian's archive")

// debian unpacks a package of a suite of Debian into root, with all that it is linked to, down to the loader of programs:
// from the archive that this machine has its own packages from, in a state of apt apart from the machine's. The error
// wraps errNotHere where this machine is none for it, errFetch where the archive fails.
func (c *Cache) debian(ctx context.Context, name, suite, root string) error {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" || !hasApt() {
		return errNotHere
	}
	if _, err := os.Stat(keyring); err != nil {
		return fmt.Errorf("%w, and this is not Debian: %w", errNotHere, err)
	}
	archive, err := archiveOf(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", errNotHere, err)
	}
	fmt.Fprintf(os.Stderr, "Downloading %s by apt-get, once for this user, into %s.\n", name, c.dir)
	work, err := os.MkdirTemp(c.dir, "apt-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := fetch(ctx, archive, name, suite, work); err != nil {
		return fmt.Errorf("%w: %w", errFetch, err)
	}
	packages, err := filepath.Glob(filepath.Join(work, "archives", "*.deb"))
	if err != nil {
		return err
	}
	for _, file := range packages {
		if out, err := exec.CommandContext(ctx, "dpkg-deb", "-x", file, root).CombinedOutput(); err != nil {
			return fmt.Errorf("unpack %s: %w\n%s", filepath.Base(file), err, lastLines(out, 10))
		}
	}
	return nil
}

// fetch downloads a package with everything below it. apt gets lists, archives and a status of its own in work; only there
// a list may be past its date, for a suite's lists may be short-lived and mirrors lag. Signatures are checked all the same.
func fetch(ctx context.Context, archive, name, suite, work string) error {
	for _, dir := range []string{"lists/partial", "archives/partial", "sources"} {
		if err := os.MkdirAll(filepath.Join(work, dir), 0o755); err != nil {
			return err
		}
	}
	source := fmt.Sprintf("Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nArchitectures: amd64\nSigned-By: %s\nCheck-Valid-Until: no\n",
		archive, suite, keyring)
	if err := os.WriteFile(filepath.Join(work, "sources", "debian.sources"), []byte(source), 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(work, "status"), nil, 0o600); err != nil {
		return err
	}
	apart := []string{
		"-o", "Dir::State=" + work, "-o", "Dir::State::lists=" + filepath.Join(work, "lists"),
		"-o", "Dir::State::status=" + filepath.Join(work, "status"), "-o", "Dir::Cache=" + work,
		"-o", "Dir::Cache::archives=" + filepath.Join(work, "archives"), "-o", "Dir::Etc::sourcelist=/dev/null",
		"-o", "Dir::Etc::sourceparts=" + filepath.Join(work, "sources"), "-o", "Dir::Etc::preferencesparts=/dev/null",
		"-o", "APT::Architecture=amd64", "-o", "APT::Architectures=amd64", "-o", "APT::Sandbox::User=",
		"-o", "Debug::NoLocking=1",
	}
	if err := aptGet(ctx, append(apart, "update", "--error-on=any")...); err != nil {
		return err
	}
	return aptGet(ctx, append(apart, "install", "-y", "--download-only", "--no-install-recommends", name)...)
}

// archiveOf is the address of the archive that this machine has its packages from.
func archiveOf(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "apt-get", "indextargets", "--format", "$(REPO_URI) $(ORIGIN)").Output()
	if err != nil {
		return "", fmt.Errorf("ask apt-get for this machine's archive: %w", err)
	}
	for line := range strings.Lines(string(out)) {
		// Debian's archive of security updates is another one, of the same origin.
		if uri, origin, _ := strings.Cut(strings.TrimSpace(line), " "); origin == "Debian" && !strings.Contains(uri, "security") {
			return uri, nil
		}
	}
	// Before its first update apt knows no origins.
	out, err = exec.CommandContext(ctx, "apt-get", "indextargets", "--format", "$(REPO_URI)").Output()
	if uri, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n"); err == nil && uri != "" {
		return uri, nil
	}
	return "", errors.New("apt knows no archive of Debian")
}

// ofDebian runs a program of what was unpacked in root by its own loader and libraries: this machine's may be older.
func ofDebian(root, program string, args ...string) *exec.Cmd {
	libraries := filepath.Join(root, "usr", "lib", "x86_64-linux-gnu")
	return exec.Command(filepath.Join(libraries, "ld-linux-x86-64.so.2"),
		append([]string{"--library-path", libraries, filepath.Join(root, program)}, args...)...)
}
