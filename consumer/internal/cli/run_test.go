package cli_test

import (
	"encoding/json"
	"net"
	"strings"
	"testing"

	"gateway-billing.internal/consumer/internal/cli"
)

// Once there is a logger, everything that run has to say is a line of its log, the error that ended it once.
func TestRunLogsItsErrorOnce(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	got := run(t, "", []string{
		"BILLING_ROCKETMQ_NAME_SERVERS=127.0.0.1:1", "BILLING_ROCKETMQ_TOPIC=logs", "BILLING_ROCKETMQ_GROUP=g",
		"BILLING_MYSQL_DSN=u:s3cr3t@tcp(127.0.0.1:1)/billing", "BILLING_HTTP_LISTEN=" + taken.Addr().String(),
		"BILLING_TYPO=1",
	}, "run")
	if got.code != cli.ExitError || got.stdout != "" || strings.Contains(got.stderr, "s3cr3t") {
		t.Errorf("%+v", got)
	}
	var levels []string
	for line := range strings.Lines(got.stderr) {
		var entry struct{ Level, Message, Error string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("not a line of the log: %s", line)
		}
		levels = append(levels, entry.Level)
		switch entry.Level {
		case "warn":
			if !strings.HasPrefix(entry.Message, "BILLING_TYPO: ") {
				t.Errorf("warning: %s", line)
			}
		case "error":
			if entry.Message != "stopped" || !strings.HasPrefix(entry.Error, "http.listen: listen tcp "+taken.Addr().String()) {
				t.Errorf("error: %s", line)
			}
		}
	}
	if strings.Join(levels, " ") != "warn error" {
		t.Errorf("got a log of %q:\n%s", levels, got.stderr)
	}
}
