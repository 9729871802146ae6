package main

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// misspelt is what is said of a variable of the runner's that there is not.
const misspelt = "BILLING_RUNNER_STATEDIR: no such setting, it has no effect"

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	stale := filepath.Join(dir, "stale")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	listener.SetUnlinkOnClose(false)
	listener.Close()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("BILLING_RUNNER_STATEDIR", "s3cr3t")
	r, log := startRunner(t)
	good := map[string]string{envListen: "unix:" + filepath.Join(dir, "s"), envRunnerID: "gw-1", "BILLING_STAMP_KEYS": testKeys}
	for _, tt := range []struct {
		name   string
		change map[string]string
		ok     bool
		want   []string
	}{
		{"all is there", nil, true, []string{"ok    configuration    runner gw-1\n", "ok    stamp keys       ", "nothing there yet", "ok    socket directory " + dir + "\n", "ok    state directory  " + dir + "/billing-runner\n"}},
		{"no keys", map[string]string{"BILLING_STAMP_KEYS": ""}, true, []string{"WARN  stamp keys       NOT sealed"}},
		{"keys of the past", map[string]string{"BILLING_STAMP_KEYS": testKeys + "@2020-01-01T00:00:00Z"}, false, []string{"FAIL  stamp keys       stamp: all keys are retired\n"}},
		{"bad keys", map[string]string{"BILLING_STAMP_KEYS": "k1:short"}, false, []string{"FAIL  configuration    BILLING_STAMP_KEYS: line 1"}},
		{"two errors", map[string]string{envListen: "", envDrain: "soon"}, false, []string{
			"FAIL  configuration    APISIX_LISTEN_ADDRESS: not of the form", "FAIL  configuration    " + envDrain + ": not a duration",
		}},
		{"no socket", map[string]string{envListen: ""}, false, []string{"FAIL  configuration    APISIX_LISTEN_ADDRESS: not of the form"}},
		{"a stale socket", map[string]string{envListen: "unix:" + stale}, true, []string{"a stale one is there"}},
		{"a socket in use", map[string]string{envListen: "unix:" + r.Socket()}, true, []string{"a runner answers there"}},
		{"no socket there", map[string]string{envListen: "unix:" + file}, false, []string{"FAIL  socket           socket " + file + ": something else is there"}},
		{"a long path", map[string]string{envListen: "unix:/" + strings.Repeat("p", 107)}, false, []string{"FAIL  socket           a path of over 107 bytes"}},
		{"no directory", map[string]string{envListen: "unix:/nowhere/s"}, false, []string{"FAIL  socket directory open /nowhere/.check", "FAIL  state directory  open /nowhere/.check"}},
		{"no state", map[string]string{envStateDir: "/dev/null/state"}, false, []string{"FAIL  state directory"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env := func(name string) string {
				if value, ok := tt.change[name]; ok {
					return value
				}
				return good[name]
			}
			var stdout, stderr bytes.Buffer
			code := run([]string{"check"}, env, &stdout, &stderr)
			if (code == 0) != tt.ok || strings.Contains(stdout.String(), "FAIL") == tt.ok {
				t.Errorf("exit %d\n%s%s", code, stdout.String(), stderr.String())
			}
			for _, want := range append(tt.want, "WARN  configuration    "+misspelt+"\n") {
				if !strings.Contains(stdout.String(), want) {
					t.Errorf("%s\nwant %s", stdout.String(), want)
				}
			}
		})
	}
	if err := r.Stop(); err != nil {
		t.Fatal(err)
	}
	warned := 0
	for _, line := range log.lines(t) {
		if line["level"] == "warn" && line["message"] == misspelt {
			warned++
		}
	}
	if warned != 1 || strings.Contains(log.bytes.String(), "s3cr3t") || strings.Contains(log.bytes.String(), "BILLING_RUNNER_ID") {
		t.Errorf("the runner warns %d times of a misspelt variable:\n%s", warned, log.bytes.String())
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 {
		t.Errorf("%v, %v: the check left something behind", left, err)
	}
}

func TestMetrics(t *testing.T) {
	r, log := startRunner(t, "BILLING_STAMP_KEYS="+testKeys, envMetrics+"=127.0.0.1:0")
	for range 3 {
		stampExchange(t, r, `{"no":"field"}`, exchange("acme"))
	}
	var address string
	await(t, "the address", func() bool {
		for _, line := range log.lines(t) {
			if a, ok := line["address"].(string); ok {
				address = a
			}
		}
		return address != ""
	})
	response, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"billing_runner_stamps_total 3\n", `billing_runner_unstamped_total{reason="identity"} 0` + "\n", "billing_runner_conf_problems_total 1\n",
		`billing_runner_calls_total{kind="request"} 3` + "\n", "billing_runner_call_seconds_count 3\n", "billing_runner_connections 1\n",
		"process_open_fds ", "go_goroutines ",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}
