package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"gateway-billing.internal/shared/testkit/stack/internal/artifact"
)

// Prometheus is a real Prometheus of one test.
type Prometheus struct{ *Server }

// Alert is one alert of a Prometheus.
type Alert struct {
	// State is "pending" or "firing".
	State       string
	Labels      map[string]string
	Annotations map[string]string
}

// StartPrometheus starts a Prometheus with a configuration, in which relative paths begin at dir.
func StartPrometheus(t testing.TB, dir, config string) *Prometheus {
	t.Helper()
	programs := prometheus(t)
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &Prometheus{}
	err := onFreePorts(func() error {
		port, err := freePort()
		if err != nil {
			return err
		}
		p.Server = &Server{
			name: "Prometheus", addr: loopback(port), log: filepath.Join(dir, "prometheus.log"),
			command: func() *exec.Cmd {
				return programs.Server("--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "tsdb"),
					"--web.listen-address=127.0.0.1:"+strconv.Itoa(port))
			},
			ready: func(ctx context.Context) error { return p.get(ctx, "/-/ready", nil) },
		}
		return p.Start(t.Context())
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.discard(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// Promtool runs Prometheus's promtool in a directory and returns its output.
func Promtool(t testing.TB, dir string, args ...string) (string, error) {
	t.Helper()
	cmd := prometheus(t).Promtool(args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// prometheus brings the programs. Where Debian's archive is out of reach by the kind of machine, the test says that it was
// left out; any other failure is one.
func prometheus(t testing.TB) *artifact.Prometheus {
	t.Helper()
	skipShort(t)
	cache, err := artifact.Open(pom)
	if err != nil {
		t.Fatal(err)
	}
	programs, err := cache.Prometheus(t.Context())
	if errors.Is(err, artifact.ErrNoPrometheus) {
		t.Skipf("NOT TESTED WITH PROMETHEUS: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return programs
}

// Alerts are those that are pending or firing now.
func (p *Prometheus) Alerts(ctx context.Context) ([]Alert, error) {
	var answer struct{ Data struct{ Alerts []Alert } }
	err := p.get(ctx, "/api/v1/alerts", &answer)
	return answer.Data.Alerts, err
}

// Series is one series that a query gives.
type Series struct {
	Labels map[string]string `json:"metric"`
	// Samples are pairs of a time and a value as text; Last is the only one of an instant vector.
	Samples [][2]any `json:"values"`
	Last    *[2]any  `json:"value"`
}

// Query runs a PromQL expression that gives series.
func (p *Prometheus) Query(ctx context.Context, expression string) ([]Series, error) {
	var answer struct{ Data struct{ Result []Series } }
	err := p.get(ctx, "/api/v1/query?query="+url.QueryEscape(expression), &answer)
	return answer.Data.Result, err
}

// get asks for JSON, or only for success where into is nil.
func (p *Prometheus) get(ctx context.Context, path string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.addr+path, nil)
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, response.Status)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(response.Body).Decode(into)
}
