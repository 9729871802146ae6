package api_test

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rs/zerolog"

	"gateway-billing.internal/consumer/internal/api"
	"gateway-billing.internal/consumer/internal/apitoken"
	"gateway-billing.internal/consumer/internal/source"
)

// lines collects a log.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *lines) logger() zerolog.Logger { return zerolog.New(l).Level(zerolog.DebugLevel) }

// A fault of the program is one answer's, as often as it comes; it takes no turn with it, and the log has it.
func TestPanic(t *testing.T) {
	t.Parallel()
	var fault atomic.Bool
	fault.Store(true)
	var log lines
	s := serve(t, []apitoken.Grant{everything("ops")}, func(o *api.Options) {
		o.Log = log.logger()
		o.Progress = func(context.Context) (source.Progress, error) {
			if fault.Load() {
				panic("a fault")
			}
			return source.Progress{}, nil
		}
	})
	for range 2*api.MaxAtOnce + 1 {
		p := s.get("ops", "/v1/usage?from=today").problem(t, http.StatusInternalServerError)
		if strings.Contains(p.Detail, "a fault of") && strings.Contains(p.Detail, "panic") {
			t.Errorf("the answer tells of the program: %s", p.Detail)
		}
	}
	fault.Store(false)
	if a := s.get("ops", "/v1/usage?from=today"); a.status != http.StatusOK {
		t.Errorf("afterwards: %d %s", a.status, a.body)
	}
	if text := log.String(); !strings.Contains(text, `"panic":"a fault"`) || !strings.Contains(text, "TestPanic") || strings.Contains(text, s.tokens["ops"]) {
		t.Errorf("the log: %s", text)
	}
}
