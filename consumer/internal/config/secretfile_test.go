package config_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"gateway-billing.internal/consumer/internal/config"
)

// secretIn writes a file that holds text and returns its path.
func secretIn(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Each secret can lie in a file of its own: it is what the file holds without the line break at its end, and nothing else
// is taken from it.
func TestSecretsFromFiles(t *testing.T) {
	broker := strings.Split(minimal, "mysql:")[0]
	cfg, errs := load(t, broker,
		"BILLING_MYSQL_DSN_FILE="+secretIn(t, "billing@tcp(127.0.0.1:3306)/billing\n"),
		"BILLING_MYSQL_PASSWORD_FILE="+secretIn(t, " pass word \r\n"),
		"BILLING_ROCKETMQ_ACCESS_KEY_FILE="+secretIn(t, "ak"),
		"BILLING_ROCKETMQ_SECRET_KEY_FILE="+secretIn(t, "sk\n"),
		"BILLING_ROCKETMQ_SECURITY_TOKEN_FILE="+secretIn(t, "st\n\n"),
	)
	if errs != nil {
		t.Fatal(errs)
	}
	got := []string{
		cfg.MySQL.DSN.Reveal(), cfg.MySQL.Password.Reveal(),
		cfg.RocketMQ.AccessKey.Reveal(), cfg.RocketMQ.SecretKey.Reveal(), cfg.RocketMQ.SecurityToken.Reveal(),
	}
	want := []string{"billing@tcp(127.0.0.1:3306)/billing", " pass word ", "ak", "sk", "st"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// An error names the field and the file, and never what stands in either.
func TestSecretFileErrors(t *testing.T) {
	secret, empty, directory := secretIn(t, "s3cr3t\n"), secretIn(t, "\n"), t.TempDir()
	for name, tt := range map[string]struct {
		text    string
		environ []string
		want    string
	}{
		"not there": {
			minimal, []string{"BILLING_ROCKETMQ_ACCESS_KEY_FILE=/nonexistent", "BILLING_ROCKETMQ_SECRET_KEY=s3cr3t"},
			"BILLING_ROCKETMQ_ACCESS_KEY_FILE: rocketmq.access_key_file: /nonexistent can't be read: no such file or directory",
		},
		"not a file": {
			minimal, []string{"BILLING_MYSQL_PASSWORD_FILE=" + directory},
			"BILLING_MYSQL_PASSWORD_FILE: mysql.password_file: " + directory + " can't be read: is a directory",
		},
		"empty": {
			minimal, []string{"BILLING_ROCKETMQ_SECURITY_TOKEN_FILE=" + empty},
			"BILLING_ROCKETMQ_SECURITY_TOKEN_FILE: rocketmq.security_token_file: " + empty + " is empty",
		},
		"the secret itself in place of a path": {
			minimal, []string{"BILLING_ROCKETMQ_SECURITY_TOKEN_FILE=s3cr3t"},
			"BILLING_ROCKETMQ_SECURITY_TOKEN_FILE: rocketmq.security_token_file: the file that it names can't be read: no such file or directory",
		},
		"beside the value in the file": {
			minimal, []string{"BILLING_MYSQL_DSN_FILE=" + secret},
			"BILLING_MYSQL_DSN_FILE: mysql.dsn_file: is given beside mysql.dsn (billing.yaml:6): keep one",
		},
		"beside the value in the environment": {
			minimal, []string{"BILLING_ROCKETMQ_SECURITY_TOKEN=s3cr3t", "BILLING_ROCKETMQ_SECURITY_TOKEN_FILE=" + secret},
			"BILLING_ROCKETMQ_SECURITY_TOKEN_FILE: rocketmq.security_token_file: is given beside rocketmq.security_token (BILLING_ROCKETMQ_SECURITY_TOKEN): keep one",
		},
		"a password beside the one of the DSN": {
			minimal, []string{"BILLING_MYSQL_PASSWORD_FILE=" + secret}, "is given twice, here and in mysql.dsn: keep one",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, errs := load(t, tt.text, tt.environ...)
			all := strings.Join(errs, "\n")
			if !strings.Contains(all, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", all, tt.want)
			}
			for _, content := range []string{"s3cr3t", "pa55w0rd"} {
				if strings.Contains(all, content) {
					t.Errorf("shows a secret: %s", all)
				}
			}
		})
	}
}

// Where a value comes from is told too, for a secret of a file that file.
func TestValuesNameTheFileOfASecret(t *testing.T) {
	secret := secretIn(t, "s3cr3t\n")
	values, err := config.Values(write(t, minimal), []string{"BILLING_ROCKETMQ_SECURITY_TOKEN_FILE=" + secret})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range values {
		if v.Name != "rocketmq.security_token" {
			continue
		}
		if v.Source != config.FromSecretFile || v.Place != secret || strings.Contains(v.Text(), "s3cr3t") {
			t.Errorf("%+v, shown as %q", v, v.Text())
		}
		return
	}
	t.Error("no rocketmq.security_token")
}
