package artifact

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// MariaDB is an unpacked server.
type MariaDB struct {
	// Program is the server's path and Base the directory it was built to run in.
	Program, Base string
	template      string
}

// find looks for the server under dir: its place differs between the platforms' jars.
func find(dir string) (*MariaDB, error) {
	db := &MariaDB{template: filepath.Join(dir, "template")}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch name := strings.TrimSuffix(entry.Name(), ".exe"); {
		case entry.IsDir():
		case name == "mariadbd", name == "mysqld" && db.Program == "":
			db.Program, db.Base = path, filepath.Dir(filepath.Dir(path))
		}
		return nil
	})
	if err == nil && db.Program == "" {
		err = fmt.Errorf("no MariaDB server in %s", dir)
	}
	return db, err
}

// Command runs the server.
func (m *MariaDB) Command(args ...string) *exec.Cmd { return exec.Command(m.Program, args...) }

// Client is the path of the command-line client.
func (m *MariaDB) Client() string { return filepath.Join(filepath.Dir(m.Program), "mariadb") }

// NewData makes a data directory without any database or user in it; init creates the users.
func (m *MariaDB) NewData(dir string) error { return os.CopyFS(dir, os.DirFS(m.template)) }

// Args are the arguments that any run of the server on data needs. The sizes keep it small.
func (m *MariaDB) Args(data string) []string {
	args := []string{
		"--no-defaults",
		"--basedir=" + m.Base,
		"--datadir=" + data,
		"--lc-messages-dir=" + filepath.Join(m.Base, "share"),
		"--innodb-log-file-size=16M",
		"--innodb-undo-tablespaces=0",
		"--character-set-server=utf8mb4",
		"--collation-server=utf8mb4_bin",
		"--skip-ssl", // without a certificate it would make itself one at each start, which takes up to half a minute
	}
	if os.Geteuid() == 0 {
		args = append(args, "--user=root") // it refuses to run as root unless told to
	}
	return args
}

// install makes the template of a data directory: the system tables, and no user who could log in.
func (m *MariaDB) install(ctx context.Context) error {
	if out, err := exec.CommandContext(ctx, m.Program, "--no-defaults", "--version").CombinedOutput(); err != nil {
		return startError(err, out)
	}
	script, err := m.script()
	if err != nil {
		return err
	}
	if err := os.Mkdir(m.template, 0o755); err != nil {
		return err
	}
	args := append(m.Args(m.template), "--bootstrap", "--enforce-storage-engine=", "--log-warnings=0",
		"--max-allowed-packet=8M", "--net-buffer-length=16K")
	cmd := exec.CommandContext(ctx, m.Program, args...)
	cmd.Stdin = script
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("create the system tables: %w\n%s", err, lastLines(out, 10))
	}
	return nil
}

// script is what mariadb-install-db feeds to the server, without help texts and without the users it would create.
func (m *MariaDB) script() (*bytes.Buffer, error) {
	var script bytes.Buffer
	// Each statement ends its line: the server reads this input line by line.
	script.WriteString("CREATE DATABASE IF NOT EXISTS mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\n")
	for _, name := range []string{"system_tables", "performance_tables", "system_tables_data"} {
		text, err := os.ReadFile(filepath.Join(m.Base, "share", "mariadb_"+name+".sql"))
		if err != nil {
			return nil, err
		}
		script.Write(text)
	}
	script.WriteString("\nDELETE FROM global_priv WHERE User <> 'mariadb.sys';\nDELETE FROM proxies_priv;\n")
	return &script, nil
}

var missingLibrary = regexp.MustCompile(`(?:error while loading shared libraries|Library not loaded): (\S+)`)

// startError names the shared library that the server could not be loaded without.
func startError(err error, out []byte) error {
	if match := missingLibrary.FindSubmatch(out); match != nil {
		library := strings.TrimSuffix(string(match[1]), ":")
		return fmt.Errorf("the MariaDB server needs the shared library %s, which this machine lacks: install the package "+
			"that has it", library)
	}
	return errors.Join(fmt.Errorf("run the MariaDB server: %w", err), errors.New(lastLines(out, 10)))
}

func lastLines(text []byte, n int) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
