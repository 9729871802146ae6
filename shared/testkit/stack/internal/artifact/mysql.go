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

// The MySQL of Debian: its stable suites have none, the one that everything enters first has.
const (
	mysqlPackage = "mysql-server-core"
	mysqlSuite   = "unstable"
	keyring      = "/usr/share/keyrings/debian-archive-keyring.gpg"
)

// ErrNoMySQL: this machine can't get a MySQL server. The error that wraps it says why.
var ErrNoMySQL = errors.New("no MySQL server can be had here")

// MySQL is an unpacked server with all that it is linked to, down to the loader of programs.
type MySQL struct {
	// root is where the packages are unpacked, template an empty data directory.
	root, template string
}

// MySQL returns an unpacked MySQL with an empty data directory: the packages of Debian, from the archive that this
// machine has its own from, in a state of apt apart from the machine's. The error wraps ErrNoMySQL.
func (c *Cache) MySQL(ctx context.Context) (*MySQL, error) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" || !hasApt() {
		return nil, fmt.Errorf("%w: it is taken from Debian's archive for linux/amd64, by apt-get", ErrNoMySQL)
	}
	if _, err := os.Stat(keyring); err != nil {
		return nil, fmt.Errorf("%w: this is not Debian: %w", ErrNoMySQL, err)
	}
	dir, err := c.once(ctx, "mysql", func(dir string) error {
		fmt.Fprintf(os.Stderr, "Downloading %s by apt-get, once for this user, into %s.\n", mysqlPackage, c.dir)
		m := newMySQL(dir)
		if err := m.fetch(ctx, filepath.Join(dir, "apt")); err != nil {
			return err
		}
		return m.install(ctx)
	})
	if err != nil {
		return nil, err
	}
	return newMySQL(dir), nil
}

func newMySQL(dir string) *MySQL {
	return &MySQL{root: filepath.Join(dir, "root"), template: filepath.Join(dir, "template")}
}

// fetch downloads the package with everything below it and unpacks it. apt gets lists, archives and a status of its own
// in work; only there a list may be past its date, for the suite's lists are short-lived and mirrors lag. Signatures are
// checked all the same.
func (m *MySQL) fetch(ctx context.Context, work string) error {
	archive, err := archiveOf(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoMySQL, err)
	}
	for _, dir := range []string{"lists/partial", "archives/partial", "sources", "root"} {
		if err := os.MkdirAll(filepath.Join(work, dir), 0o755); err != nil {
			return err
		}
	}
	source := fmt.Sprintf("Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nArchitectures: amd64\nSigned-By: %s\nCheck-Valid-Until: no\n",
		archive, mysqlSuite, keyring)
	if err := os.WriteFile(filepath.Join(work, "sources", "mysql.sources"), []byte(source), 0o600); err != nil {
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
		return fmt.Errorf("%w: %w", ErrNoMySQL, err)
	}
	if err := aptGet(ctx, append(apart, "install", "-y", "--download-only", "--no-install-recommends", mysqlPackage)...); err != nil {
		return fmt.Errorf("%w: %w", ErrNoMySQL, err)
	}
	packages, err := filepath.Glob(filepath.Join(work, "archives", "*.deb"))
	if err != nil {
		return err
	}
	for _, file := range packages {
		if out, err := exec.CommandContext(ctx, "dpkg-deb", "-x", file, m.root).CombinedOutput(); err != nil {
			return fmt.Errorf("unpack %s: %w\n%s", filepath.Base(file), err, lastLines(out, 10))
		}
	}
	return os.RemoveAll(work)
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

// Command runs the server by its own loader and libraries: this machine's may be older.
func (m *MySQL) Command(args ...string) *exec.Cmd {
	libraries := filepath.Join(m.root, "usr", "lib", "x86_64-linux-gnu")
	return exec.Command(filepath.Join(libraries, "ld-linux-x86-64.so.2"),
		append([]string{"--library-path", libraries, filepath.Join(m.root, "usr", "sbin", "mysqld")}, args...)...)
}

// Client is empty: the package brings no command-line client.
func (m *MySQL) Client() string { return "" }

// NewData makes a data directory without any database in it, and a user root without a password; init creates others.
func (m *MySQL) NewData(dir string) error { return os.CopyFS(dir, os.DirFS(m.template)) }

// Args are the arguments that any run of the server on data needs. The sizes keep it small.
func (m *MySQL) Args(data string) []string {
	args := []string{
		"--no-defaults",
		"--basedir=" + filepath.Join(m.root, "usr"),
		"--datadir=" + data,
		"--lc-messages-dir=" + filepath.Join(m.root, "usr", "share", "mysql"),
		"--innodb-redo-log-capacity=32M",
		"--character-set-server=utf8mb4",
		"--collation-server=utf8mb4_bin",
		"--mysqlx=OFF",
		"--secure-file-priv=NULL", // its own directory for files is not there
		"--skip-log-bin",
	}
	if os.Geteuid() == 0 {
		args = append(args, "--user=root") // it refuses to run as root unless told to
	}
	return args
}

// install makes the template of a data directory.
func (m *MySQL) install(ctx context.Context) error {
	cmd := m.Command(append(m.Args(m.template), "--initialize-insecure")...)
	out, err := exec.CommandContext(ctx, cmd.Path, cmd.Args[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("create the system tables: %w\n%s", err, lastLines(out, 10))
	}
	return nil
}
