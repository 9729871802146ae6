package cli_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gateway-billing.internal/consumer/internal/cli"
)

// config print says what holds and where it comes from, and shows no secret.
func TestConfigPrint(t *testing.T) {
	dir := t.TempDir()
	file, secret := filepath.Join(dir, "consumer.yaml"), filepath.Join(dir, "secret")
	text := "rocketmq:\n  topic: requests\n  group: billing\n  secret_key: s3cr3t-four\n  access_key_file: " + secret + "\nmysql:\n  dsn: u:s3cr3t-one@tcp(127.0.0.1:1)/billing\n" +
		"routes:\n  - match: {route_id: images}\n    meters: [{unit: request}]\n"
	for path, content := range map[string]string{file: text, secret: "s3cr3t-two\n"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	environ := []string{"BILLING_STAMP_KEYS=k1:czNjcjN0LXRocmVlLXRoYXQtaXMtbG9uZy1lbm91Z2g=", "BILLING_ROCKETMQ_NAME_SERVERS=a:1,b:2"}
	for _, output := range []string{"table", "json"} {
		got := run(t, "", environ, "config", "print", "--config", file, "--output", output)
		if got.code != cli.ExitOK || got.stderr != "" {
			t.Fatalf("%+v", got)
		}
		for _, secret := range []string{"s3cr3t", "czNjcjN0LXRocmVl"} {
			if strings.Contains(got.stdout, secret) {
				t.Errorf("%s: a secret is shown:\n%s", output, got.stdout)
			}
		}
		if output == "json" {
			continue
		}
		for _, want := range []string{
			`(?m)^rocketmq\.topic +requests +file \(.*consumer\.yaml:2\)$`,
			`(?m)^rocketmq\.name_servers +a:1,b:2 +environment \(BILLING_ROCKETMQ_NAME_SERVERS\)$`,
			`(?m)^rocketmq\.access_key +\(secret\) +secret file \(.*secret\)$`,
			`(?m)^mysql\.dsn +\(secret\) +file`,
			`(?m)^batch\.linger +5ms +default$`,
			`(?m)^ +route_id: images`,
		} {
			if !regexp.MustCompile(want).MatchString(got.stdout) {
				t.Errorf("no %s in\n%s", want, got.stdout)
			}
		}
	}
	got := run(t, "", []string{"BILLING_BATCH_MAX_ROWS=many"}, "config", "print")
	if got.code != cli.ExitError || !strings.Contains(got.stderr, "batch.max_rows") || strings.Contains(got.stderr, "many") {
		t.Errorf("%+v", got)
	}

	// Behind the values stands what is looked for there: a variable that means nothing, and what can't work.
	got = run(t, "", append(environ, "BILLING_MYSQL_DNS=s3cr3t-five", "BILLING_RUNNER_ID=edge-1"), "config", "print", "--config", file)
	if want := "billing-consumer: warning: BILLING_MYSQL_DNS: no such setting, it has no effect\n"; got.code != cli.ExitOK || got.stderr != want {
		t.Errorf("a misspelt variable: %+v, want %s", got, want)
	}
	for _, output := range []string{"table", "json"} {
		got = run(t, "", append(environ, "BILLING_LOG_LEVEL=loud", "BILLING_MYSQL_DSN=s3cr3t-six"), "config", "print", "--config", file, "--output", output)
		if got.code != cli.ExitError || !strings.Contains(got.stdout, "loud") || !strings.Contains(got.stderr, "BILLING_LOG_LEVEL: log.level: must be one of") ||
			!strings.Contains(got.stderr, "BILLING_MYSQL_DSN: mysql.dsn: must be") || strings.Contains(got.stdout+got.stderr, "s3cr3t") {
			t.Errorf("%s of values that can't work: %+v", output, got)
		}
	}
}
