package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// runnerBinary is the billing-runner that the tests start, buildFlags are how it is built.
var (
	runnerBinary string
	buildFlags   []string
)

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "billing-runner")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	runnerBinary = filepath.Join(dir, "billing-runner")
	if out, err := exec.Command("go", append(append([]string{"build"}, buildFlags...), "-o", runnerBinary, ".")...).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build billing-runner: %v\n%s", err, out)
		os.RemoveAll(dir)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(dir)
		os.Exit(code)
	}))
}

func TestWhatKeepsItFromStarting(t *testing.T) {
	const listen = "unix:/nowhere/x.sock"
	secret := strings.Repeat("s3cr", 10)
	for _, tt := range []struct {
		name string
		args []string
		env  map[string]string
		code int
		want string
	}{
		{"not started by APISIX", nil, nil, 1, `"error":"APISIX_LISTEN_ADDRESS: not of the form unix:PATH; APISIX sets it when it starts the runner"`},
		{"TCP address", nil, map[string]string{envListen: "127.0.0.1:1"}, 1, "APISIX_LISTEN_ADDRESS: not of the form unix:PATH"},
		{"bad expiry", nil, map[string]string{envListen: listen, envConfExpiry: "1h"}, 1, "APISIX_CONF_EXPIRE_TIME: not a whole number of seconds above 0"},
		{"bad keys", nil, map[string]string{envListen: listen, "BILLING_STAMP_KEYS": "k1:" + secret}, 1, "BILLING_STAMP_KEYS: line 1, item 1: key k1: the secret"},
		{"no keys file", nil, map[string]string{envListen: listen, "BILLING_STAMP_KEYS_FILE": "/nowhere/keys"}, 1, "BILLING_STAMP_KEYS_FILE: the file can't be read"},
		{"only retired keys", nil, map[string]string{envListen: listen, "BILLING_STAMP_KEYS": testKeys + "@2020-01-01T00:00:00Z"}, 1, "all keys are retired"},
		{"long runner ID", nil, map[string]string{envListen: listen, envRunnerID: strings.Repeat("r", 256)}, 1, "BILLING_RUNNER_ID: not at most 255 bytes of UTF-8"},
		{"metrics", nil, map[string]string{envListen: listen, envMetrics: "9465"}, 1, "BILLING_RUNNER_METRICS: not HOST:PORT"},
		{"socket mode", nil, map[string]string{envListen: listen, envSocketMode: "066"}, 1, "BILLING_RUNNER_SOCKET_MODE: not an octal mode"},
		{"drain", nil, map[string]string{envListen: listen, envDrain: "-1s"}, 1, "BILLING_RUNNER_DRAIN: not a duration"},
		{"all at once", nil, map[string]string{envConfExpiry: "0", "BILLING_STAMP_KEYS": "x"}, 1, `APISIX_CONF_EXPIRE_TIME: not a whole number of seconds above 0\nBILLING_STAMP_KEYS: line 1`},
		{"argument", []string{"run"}, nil, 2, `billing-runner: unexpected argument "run"; see --help`},
		{"unknown flag", []string{"--mode", "prod"}, nil, 2, "billing-runner: flag provided but not defined: -mode"},
		{"log level", []string{"--log-level", "loud"}, nil, 2, `billing-runner: log level "loud": not debug, info, warn or error`},
		{"log file", []string{"--log-file", "/nowhere/log"}, nil, 1, "billing-runner: log file: open /nowhere/log: no such file or directory"},
		{"log level of the environment", nil, map[string]string{envLogLevel: "7"}, 2, `billing-runner: log level "7"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := run(tt.args, func(name string) string { return tt.env[name] }, &stdout, &stderr)
			if code != tt.code || !strings.Contains(stderr.String(), tt.want) || stdout.Len() > 0 {
				t.Errorf("exit %d, stdout %q, stderr %s\nwant exit %d, %s", code, stdout.String(), stderr.String(), tt.code, tt.want)
			}
			if strings.Contains(stderr.String(), secret) {
				t.Errorf("the secret is shown: %s", stderr.String())
			}
		})
	}
}

func TestHelpAndVersion(t *testing.T) {
	noEnv := func(string) string { return "" }
	var stdout, stderr bytes.Buffer
	if code := run([]string{"--help"}, noEnv, &stdout, &stderr); code != 0 || stdout.String() != usage || stderr.Len() > 0 {
		t.Errorf("--help: exit %d, %s%s", code, stdout.String(), stderr.String())
	}
	for _, name := range []string{"BILLING_STAMP_KEYS", "BILLING_STAMP_KEYS_FILE", envRunnerID, envStateDir, envMetrics, envSocketMode, envDrain, envLogFile, envLogLevel, envListen, envConfExpiry} {
		if !strings.Contains(usage, "  "+name+" ") {
			t.Errorf("--help does not name %s", name)
		}
	}
	for _, arg := range []string{"--version", "version"} {
		stdout.Reset()
		if code := run([]string{arg}, noEnv, &stdout, &stderr); code != 0 || !strings.HasPrefix(stdout.String(), "billing-runner ") {
			t.Errorf("%s: exit %d, %q", arg, code, stdout.String())
		}
	}
}

func TestALogFileIsAppendedTo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log")
	for n := range 2 {
		var stdout, stderr bytes.Buffer
		env := map[string]string{envLogFile: file}
		if code := run(nil, func(name string) string { return env[name] }, &stdout, &stderr); code != 1 || stderr.Len() > 0 {
			t.Fatalf("exit %d, stderr %q", code, stderr.String())
		}
		content, err := os.ReadFile(file)
		if err != nil || bytes.Count(content, []byte("\n")) != n+1 {
			t.Fatalf("log file %q, %v, want %d lines", content, err, n+1)
		}
	}
}
