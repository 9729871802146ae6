package runnerlog

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	runnerlogger "github.com/apache/apisix-go-plugin-runner/pkg/log"
	"github.com/rs/zerolog"
	"go.uber.org/zap/zapcore"
)

// The runner's own logger writes through the bridge, so that a change of its format is seen here.
func TestLinesOfTheRunner(t *testing.T) {
	var out bytes.Buffer
	runnerlogger.NewLogger(zapcore.WarnLevel, New(zerolog.New(&out)))
	runnerlogger.Infof("receive rpc type: %d", 2)
	runnerlogger.Warnf("listening to %s\twith a tab", "/tmp/x.sock")
	runnerlogger.Errorf("read: %s", errors.New("reset\nby peer"))

	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d lines, want 2 (none of info level, no stack):\n%s", len(lines), out.String())
	}
	for i, want := range []string{
		`"message":"listening to /tmp/x.sock\twith a tab"}`,
		`"message":"read: reset"}`,
	} {
		level := []string{"warn", "error"}[i]
		prefix := `{"level":"` + level + `","from":"apisix-go-plugin-runner","caller":"runnerlog/writer_test.go:`
		if !strings.HasPrefix(lines[i], prefix) || !strings.HasSuffix(lines[i], want) {
			t.Errorf("line %s\nwant %s…%s", lines[i], prefix, want)
		}
	}
}

func TestWriteTakesAnyBytes(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"no form", "out of order\n", `{"level":"warn","from":"apisix-go-plugin-runner","message":"out of order"}`},
		{"unknown level", "t\tLOUD\tc\tm\n", `{"level":"warn","from":"apisix-go-plugin-runner","message":"t\tLOUD\tc\tm"}`},
		{"fatal does not exit", "t\tFATAL\tc\tm\n", `{"level":"fatal","from":"apisix-go-plugin-runner","caller":"c","message":"m"}`},
		{"long", strings.Repeat("é", maxMessage), `{"level":"warn","from":"apisix-go-plugin-runner","message":"` + strings.Repeat("é", maxMessage/2) + `"}`},
		{"empty", "", `{"level":"warn","from":"apisix-go-plugin-runner"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			n, err := New(zerolog.New(&out)).Write([]byte(tt.in))
			if n != len(tt.in) || err != nil {
				t.Errorf("Write = %d, %v", n, err)
			}
			if got := strings.TrimSuffix(out.String(), "\n"); got != tt.want {
				t.Errorf("%s\nwant %s", got, tt.want)
			}
		})
	}
}
