package stack

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"gateway-billing.internal/shared/testkit/stack/internal/artifact"
)

// Kind is a sort of database server.
type Kind string

// The kinds that can be started.
const (
	MariaDB Kind = "mariadb"
	MySQL   Kind = "mysql"
)

// ErrNoMySQL: this machine can't get a MySQL server. The error that wraps it says why.
var ErrNoMySQL = artifact.ErrNoMySQL

// kind is what is started: k, else what the environment says, else MariaDB.
func (k Kind) kind() (Kind, error) {
	switch k = cmp.Or(k, Kind(os.Getenv(KindEnv)), MariaDB); k {
	case MariaDB, MySQL:
		return k, nil
	default:
		return k, fmt.Errorf("%s: there is no database %q: mariadb or mysql", KindEnv, k)
	}
}

// databaseProgram is an unpacked server.
type databaseProgram interface {
	// Command runs the server with arguments, Args are those that a run on a data directory needs, NewData makes one.
	Command(args ...string) *exec.Cmd
	Args(data string) []string
	NewData(dir string) error
	// Client is the path of a command-line client, "" without one.
	Client() string
}

// Database is a MariaDB or MySQL of our own, or any MySQL-protocol server from outside. Each commit is flushed.
type Database struct {
	*Server
	admin *mysql.Config
	// client is the path of the command-line client, "" for a server from outside.
	client string
}

func prepareDatabase(ctx context.Context, cache *artifact.Cache, kind Kind) (databaseProgram, error) {
	kind, err := kind.kind()
	if err != nil {
		return nil, err
	}
	if kind == MySQL {
		return cache.MySQL(ctx)
	}
	program, err := cache.Database(ctx)
	if err != nil {
		return nil, fmt.Errorf("MariaDB: %w (or set %s to a server's administrative DSN)", err, DatabaseEnv)
	}
	return program, nil
}

// newDatabase starts a private server with its data under dir.
func newDatabase(ctx context.Context, cache *artifact.Cache, dir string, kind Kind, extra []string) (*Database, error) {
	program, err := prepareDatabase(ctx, cache, kind)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	data, temporary := filepath.Join(dir, "data"), filepath.Join(dir, "tmp")
	if err := os.Mkdir(temporary, 0o700); err != nil {
		return nil, err
	}
	if err := program.NewData(data); err != nil {
		return nil, err
	}
	admin := mysql.NewConfig()
	admin.User, admin.Passwd, admin.Net = "billing", rand.Text(), "tcp"
	admin.Timeout, admin.Logger = 5*time.Second, &mysql.NopLogger{}
	init := filepath.Join(dir, "init.sql")
	// One statement a line: the server reads no other.
	if err := os.WriteFile(init, fmt.Appendf(nil,
		"CREATE USER IF NOT EXISTS %[1]s@'127.0.0.1' IDENTIFIED BY '%[2]s';\n"+
			"GRANT ALL ON *.* TO %[1]s@'127.0.0.1' WITH GRANT OPTION;\n", admin.User, admin.Passwd), 0o600); err != nil {
		return nil, err
	}
	db := &Database{admin: admin, client: program.Client()}
	err = onFreePorts(func() error {
		port, err := freePort()
		if err != nil {
			return err
		}
		admin.Addr = loopback(port)
		args := append(program.Args(data),
			"--bind-address=127.0.0.1", "--port="+strconv.Itoa(port), "--skip-name-resolve",
			"--pid-file="+filepath.Join(dir, "pid"), "--init-file="+init,
			"--tmpdir="+temporary, // a server that starts deletes what others have in a directory that they share
			"--innodb-buffer-pool-size=128M", "--innodb-flush-log-at-trx-commit=1",
			"--max-connections=500", "--max-allowed-packet=16M")
		if runtime.GOOS != "windows" {
			args = append(args, "--socket=mysql.sock") // in the data directory: a longer path might not fit
		}
		args = append(args, extra...)
		db.Server = &Server{
			name:    "database",
			addr:    admin.Addr,
			log:     filepath.Join(dir, "log"),
			command: func() *exec.Cmd { return program.Command(args...) },
			ready:   db.ping,
		}
		return db.Start(ctx)
	})
	if err != nil {
		return nil, err
	}
	return db, nil
}

// externalDatabase uses the server that a DSN names; source says where the DSN comes from.
func externalDatabase(ctx context.Context, dsn, source string) (*Database, error) {
	admin, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	if admin.DBName != "" {
		return nil, fmt.Errorf("%s names the database %q: leave it out, tests create their own", source, admin.DBName)
	}
	db := &Database{Server: &Server{name: "database", addr: admin.Addr, external: source}, admin: admin}
	if err := db.ping(ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	return db, nil
}

// DSN is the administrative user's data source name for a database, in the form of go-sql-driver/mysql; "" for none.
func (d *Database) DSN(database string) string {
	config := d.admin.Clone()
	config.DBName = database
	return config.FormatDSN()
}

// CreateDatabase creates an empty database (utf8mb4_bin) of that name and returns its DSN.
func (d *Database) CreateDatabase(ctx context.Context, name string) (dsn string, err error) {
	err = d.exec(ctx, "CREATE DATABASE `"+name+"` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
	return d.DSN(name), err
}

// DropDatabase removes a database.
func (d *Database) DropDatabase(ctx context.Context, name string) error {
	return d.exec(ctx, "DROP DATABASE IF EXISTS `"+name+"`")
}

// NewDatabase creates an empty database (utf8mb4_bin) for one test, drops it when the test ends, and returns its DSN.
func (d *Database) NewDatabase(t testing.TB) (dsn string) {
	t.Helper()
	name := uniqueName(t, "_")
	dsn, err := d.CreateDatabase(t.Context(), name)
	if err != nil {
		t.Fatalf("create database %s: %v", name, err)
	}
	t.Cleanup(func() {
		if d.dead() {
			return // the test left the server dead, and the data go with it
		}
		if err := d.DropDatabase(context.Background(), name); err != nil {
			t.Errorf("drop database %s: %v", name, err)
		}
	})
	return dsn
}

func (d *Database) ping(ctx context.Context) error { return d.exec(ctx, "DO 1") }

// exec runs one statement on a connection of its own, bounded in time.
func (d *Database) exec(ctx context.Context, statement string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	connector, err := mysql.NewConnector(d.admin)
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	_, err = db.ExecContext(ctx, statement)
	return err
}
