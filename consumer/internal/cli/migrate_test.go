package cli_test

import (
	"os"
	"regexp"
	"testing"

	"gateway-billing.internal/consumer/internal/cli"
	"gateway-billing.internal/consumer/internal/source/sourcetest"
	"gateway-billing.internal/shared/testkit/stack"
)

func TestMain(m *testing.M) { os.Exit(stack.Main(m, sourcetest.ClientLeaks()...)) }

// migrate needs nothing of the configuration but the database.
func TestMigrate(t *testing.T) {
	environ := []string{"BILLING_MYSQL_DSN=" + stack.Shared(t).Database.NewDatabase(t)}
	steps := []struct {
		command string
		stdout  string
	}{
		{"status", `^1\tpending\n2\tpending\n3\tpending\n4\tpending\n5\tpending\n7\tpending\n8\tpending\n9\tpending\n10\tpending\n$`},
		{"up", `^1\tapplied\n2\tapplied\n3\tapplied\n4\tapplied\n5\tapplied\n7\tapplied\n8\tapplied\n9\tapplied\n10\tapplied\n$`},
		{"up", `^nothing to do, the schema is current\n$`},
		{"status", `^(\d+\tapplied 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ\n){9}$`},
		{"validate", `^the tables are as the migrations make them\n$`},
	}
	for _, step := range steps {
		got := run(t, "", environ, "migrate", step.command)
		if got.code != cli.ExitOK || got.stderr != "" || !regexp.MustCompile(step.stdout).MatchString(got.stdout) {
			t.Fatalf("migrate %s: %+v", step.command, got)
		}
	}
}

// An error of the database is said once, without the password.
func TestMigrateWithoutDatabase(t *testing.T) {
	got := run(t, "", []string{"BILLING_MYSQL_DSN=u:s3cr3t@tcp(127.0.0.1:1)/billing"}, "migrate", "status")
	want := regexp.MustCompile(`^billing-consumer: migrate: .*connection refused\n$`)
	if got.code != cli.ExitError || got.stdout != "" || !want.MatchString(got.stderr) {
		t.Errorf("%+v", got)
	}
}
