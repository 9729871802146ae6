package check_test

import (
	"os"
	"strings"
	"testing"

	"gateway-billing.internal/consumer/internal/config"
	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/shared/testkit/stack"
)

// A password changes in its file while the process runs: the next connection has it.
func TestPasswordChangesWithoutARestart(t *testing.T) {
	t.Parallel()
	s := newSetup(t, stack.Shared(t).RocketMQ, stack.Shared(t).Database)
	dsn := strings.Replace(s.as(t, "check_rotate", "first", "SELECT ON {db}.*"), ":first@", "@", 1)
	m := config.MySQL{DSN: config.Secret(dsn), PasswordFile: secretFile(t, "password", "first", 0o600)}
	options := m.Options()
	connects := func() error {
		_, err := ledger.Examine(t.Context(), dsn, false, options...)
		return err
	}
	if err := connects(); err != nil {
		t.Fatal(err)
	}
	s.exec(t, "ALTER USER 'check_rotate'@'127.0.0.1' IDENTIFIED BY 'second'")
	if err := connects(); err == nil {
		t.Error("the old password still works")
	}
	if err := os.WriteFile(m.PasswordFile, []byte("second\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := connects(); err != nil {
		t.Error(err)
	}
	if err := os.Remove(m.PasswordFile); err != nil {
		t.Fatal(err)
	}
	if err := connects(); err == nil || !strings.Contains(err.Error(), "mysql.password_file") || strings.Contains(err.Error(), "second") {
		t.Errorf("without the file: %v", err)
	}
}
