package check_test

import (
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"gateway-billing.internal/consumer/internal/check"
	"gateway-billing.internal/consumer/internal/config"
	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/shared/testkit/stack"
)

// setup is a consumer's set-up in which everything is right until a test breaks it.
type setup struct {
	mq *stack.RocketMQ
	db *stack.Database
	// topic and group are there and empty; dsn names a migrated database.
	topic, group, dsn string
	environ           map[string]string
	// file is the configuration file, empty for none.
	file string
}

// newSetup prepares one on those servers.
func newSetup(t *testing.T, mq *stack.RocketMQ, db *stack.Database) *setup {
	t.Helper()
	s := &setup{mq: mq, db: db, topic: mq.NewTopic(t, 2), group: mq.NewGroup(t), dsn: db.NewDatabase(t)}
	if _, err := ledger.MigrateUp(t.Context(), s.dsn); err != nil {
		t.Fatal(err)
	}
	s.environ = map[string]string{
		"ROCKETMQ_NAME_SERVERS": mq.NameServer.Addr(), "ROCKETMQ_TOPIC": s.topic, "ROCKETMQ_GROUP": s.group,
		"MYSQL_DSN": s.dsn, "STAMP_KEYS_FILE": secretFile(t, "keys", key("k1"), 0o600),
	}
	return s
}

// key is a line of a file of stamp keys.
func key(id string) string {
	return id + ":" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("s", 32)))
}

// secretFile writes a file of that mode.
func secretFile(t *testing.T, name, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask is
		t.Fatal(err)
	}
	return path
}

// lines are what check finds.
func (s *setup) lines(t *testing.T) []check.Line {
	t.Helper()
	var environ []string
	for name, value := range s.environ {
		environ = append(environ, "BILLING_"+name+"="+value)
	}
	cfg, warnings, err := config.Load(s.file, environ, func(c *config.Config) []config.Validator { return []config.Validator{c} })
	in := check.Input{Config: cfg, Path: s.file, Warnings: warnings}
	in.Errors, _ = errors.AsType[config.Errors](err)
	in.Values, _ = config.Values(s.file, environ)
	return check.All(t.Context(), in)
}

// want is what must be found: one line that is not ok, with words of its detail and of its cure.
type want struct {
	status       check.Status
	check        string
	detail, cure string
}

// expect fails unless the lines are ok but for exactly those wanted.
func expect(t *testing.T, lines []check.Line, wanted ...want) {
	t.Helper()
	var found []string
	unmet := slices.Clone(wanted)
	for _, l := range lines {
		if l.Status == check.OK {
			if l.Cure != "" || l.Detail == "" {
				t.Errorf("%+v: fine, and has a cure or no detail", l)
			}
			continue
		}
		found = append(found, fmt.Sprintf("%+v", l))
		i := slices.IndexFunc(unmet, func(w want) bool {
			return w.status == l.Status && w.check == l.Check && strings.Contains(l.Detail, w.detail) && strings.Contains(l.Cure, w.cure)
		})
		if i < 0 {
			t.Errorf("not wanted: %+v", l)
			continue
		}
		unmet = slices.Delete(unmet, i, i+1)
	}
	for _, w := range unmet {
		t.Errorf("not found: %+v in\n%s", w, strings.Join(found, "\n"))
	}
}

// expectOK fails unless each of those checks was made and is fine.
func expectOK(t *testing.T, lines []check.Line, checks ...string) {
	t.Helper()
	seen := map[string]bool{}
	for _, l := range lines {
		if l.Status == check.OK {
			seen[l.Check] = true
		}
	}
	for _, name := range checks {
		if !seen[name] {
			t.Errorf("no ok for %s, only %q", name, slices.Sorted(maps.Keys(seen)))
		}
	}
}

// as is the DSN as another user, who is made with those rights on the database.
func (s *setup) as(t *testing.T, user, password, rights string) string {
	t.Helper()
	cfg, err := mysql.ParseDSN(s.dsn)
	if err != nil {
		t.Fatal(err)
	}
	account := "'" + user + "'@'127.0.0.1'"
	s.exec(t, "CREATE USER "+account+" IDENTIFIED BY '"+password+"'")
	t.Cleanup(func() { s.exec(t, "DROP USER "+account) })
	for right := range strings.SplitSeq(rights, ";") {
		s.exec(t, "GRANT "+strings.ReplaceAll(right, "{db}", "`"+cfg.DBName+"`")+" TO "+account)
	}
	cfg.User, cfg.Passwd = user, password
	return cfg.FormatDSN()
}

// exec runs a statement as the administrator.
func (s *setup) exec(t *testing.T, statement string) {
	t.Helper()
	db, err := sql.Open("mysql", s.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}
