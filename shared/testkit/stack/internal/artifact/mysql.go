package artifact

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// The MySQL of Debian: its stable suites have none, the one that everything enters first has.
const (
	mysqlPackage = "mysql-server-core"
	mysqlSuite   = "unstable"
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
	dir, err := c.once(ctx, "mysql", func(dir string) error {
		m := newMySQL(dir)
		if err := c.debian(ctx, mysqlPackage, mysqlSuite, m.root); err != nil {
			return err
		}
		return m.install(ctx)
	})
	if errors.Is(err, errNotHere) || errors.Is(err, errFetch) {
		err = fmt.Errorf("%w: %w", ErrNoMySQL, err)
	}
	if err != nil {
		return nil, err
	}
	return newMySQL(dir), nil
}

func newMySQL(dir string) *MySQL {
	return &MySQL{root: filepath.Join(dir, "root"), template: filepath.Join(dir, "template")}
}

// Command runs the server.
func (m *MySQL) Command(args ...string) *exec.Cmd {
	return ofDebian(m.root, filepath.Join("usr", "sbin", "mysqld"), args...)
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
