package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"gateway-billing.internal/shared/billingkey"
)

const (
	envRunnerID   = "BILLING_RUNNER_ID"
	envStateDir   = "BILLING_RUNNER_STATE_DIR"
	envMetrics    = "BILLING_RUNNER_METRICS"
	envSocketMode = "BILLING_RUNNER_SOCKET_MODE"
	envDrain      = "BILLING_RUNNER_DRAIN"
	envListen     = "APISIX_LISTEN_ADDRESS"
	envConfExpiry = "APISIX_CONF_EXPIRE_TIME"
)

const (
	// grace is how long everything goes on after the signal, see frameserver. With the default drain it ends before APISIX
	// kills what it asked to end, one second later.
	grace        = 200 * time.Millisecond
	defaultDrain = 700 * time.Millisecond
	// A worker of APISIX runs as nobody, and must be able to connect.
	defaultSocketMode = 0o666
)

// settings is all that the environment says.
type settings struct {
	keys       *billingkey.KeySet
	runner     string
	socket     string
	socketMode fs.FileMode
	stateDir   string
	confExpiry time.Duration
	// byAPISIX says that APISIX started this process: it alone sets the expiry.
	byAPISIX bool
	metrics  string // an address, or ""
	drain    time.Duration
}

// known are the variables that begin with BILLING_RUNNER_.
var known = []string{envRunnerID, envStateDir, envMetrics, envSocketMode, envDrain, envLogFile, envLogLevel}

// ineffective are warnings of variables that begin as the runner's do, and mean nothing to it. environ is as os.Environ has it.
func ineffective(environ []string) (warnings []string) {
	for _, item := range environ {
		name, _, _ := strings.Cut(item, "=")
		if strings.HasPrefix(name, "BILLING_RUNNER_") && !slices.Contains(known, name) {
			warnings = append(warnings, name+": no such setting, it has no effect")
		}
	}
	slices.Sort(warnings)
	return warnings
}

// loadSettings reads the environment; the error names everything that is wrong in it.
func loadSettings(getenv func(string) string) (settings, error) {
	s := settings{metrics: getenv(envMetrics), drain: defaultDrain, socketMode: defaultSocketMode, confExpiry: time.Hour}
	var errs []error
	bad := func(env, what string) { errs = append(errs, fmt.Errorf("%s: %s", env, what)) }

	socket, isUnix := strings.CutPrefix(getenv(envListen), "unix:")
	if s.socket = socket; !isUnix || socket == "" {
		bad(envListen, "not of the form unix:PATH; APISIX sets it when it starts the runner")
	}
	if text := getenv(envConfExpiry); text != "" {
		s.byAPISIX = true
		n, err := strconv.Atoi(text)
		if s.confExpiry = time.Duration(n) * time.Second; err != nil || n <= 0 || n > 1<<31 {
			bad(envConfExpiry, "not a whole number of seconds above 0")
		}
	}
	var err error
	if s.keys, err = billingkey.LoadKeys(getenv); err != nil {
		errs = append(errs, err)
	}
	if s.runner, err = runnerID(getenv); err != nil {
		errs = append(errs, err)
	}
	if s.stateDir = getenv(envStateDir); s.stateDir == "" { // beside the socket it may write in any case
		s.stateDir = filepath.Join(filepath.Dir(s.socket), "billing-runner")
	}
	if _, _, err := net.SplitHostPort(s.metrics); s.metrics != "" && err != nil {
		bad(envMetrics, "not HOST:PORT")
	}
	if text := getenv(envSocketMode); text != "" {
		mode, err := strconv.ParseUint(text, 8, 9)
		if s.socketMode = fs.FileMode(mode); err != nil || mode&0o600 != 0o600 {
			bad(envSocketMode, "not an octal mode of 0600 to 0777 that lets the owner read and write")
		}
	}
	if text := getenv(envDrain); text != "" {
		if s.drain, err = time.ParseDuration(text); err != nil || s.drain < 0 {
			bad(envDrain, "not a duration such as 700ms or 10s")
		}
	}
	return s, errors.Join(errs...)
}

// runnerID is the name in the stamps.
func runnerID(getenv func(string) string) (string, error) {
	name := getenv(envRunnerID)
	if name == "" {
		host, err := os.Hostname()
		if err != nil || host == "" {
			return "", fmt.Errorf("%s: not set, and the host has no name", envRunnerID)
		}
		name = host
	}
	if len(name) > billingkey.MaxRunner || !utf8.ValidString(name) {
		return "", fmt.Errorf("%s: not at most %d bytes of UTF-8", envRunnerID, billingkey.MaxRunner)
	}
	return name, nil
}
