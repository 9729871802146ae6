package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/rs/zerolog"

	"gateway-billing.internal/shared/billingkey"
)

const usage = `billing-runner serves the plugin billing-keys to APISIX, which starts it:

  ext-plugin:
    cmd: [/usr/bin/env, BILLING_STAMP_KEYS_FILE=/etc/billing/stamp-keys, /usr/local/bin/billing-runner]

Flags:
  --log-file FILE     append the log (JSON lines) to FILE, default stderr
  --log-level LEVEL   debug, info, warn or error, default info
  --version           print the version
  --help              print this

Environment:
  BILLING_STAMP_KEYS         the stamp keys, kid:base64[@not_after],…; the first not retired seals, all open
  BILLING_STAMP_KEYS_FILE    a file that holds them instead; with neither, stamps are not sealed
  BILLING_RUNNER_ID          the name of this runner in its stamps, default the host name
  BILLING_RUNNER_STATE_DIR   where it remembers its last number, default "billing-runner" beside the socket
  BILLING_RUNNER_LOG_FILE    as --log-file
  BILLING_RUNNER_LOG_LEVEL   as --log-level
  APISIX_LISTEN_ADDRESS      unix:PATH of the socket to serve; set by APISIX
  APISIX_CONF_EXPIRE_TIME    seconds that a configuration is kept, default 3600; set by APISIX
`

const (
	envRunnerID   = "BILLING_RUNNER_ID"
	envStateDir   = "BILLING_RUNNER_STATE_DIR"
	envLogFile    = "BILLING_RUNNER_LOG_FILE"
	envLogLevel   = "BILLING_RUNNER_LOG_LEVEL"
	envListen     = "APISIX_LISTEN_ADDRESS"
	envConfExpiry = "APISIX_CONF_EXPIRE_TIME"
)

type options struct {
	version  bool
	logFile  string
	logLevel zerolog.Level
}

// parseOptions reads the flags, with the environment behind them. The error is flag.ErrHelp after --help, for which it
// has printed the usage to stdout.
func parseOptions(args []string, getenv func(string) string, stdout io.Writer) (options, error) {
	var o options
	level := getenv(envLogLevel)
	flags := flag.NewFlagSet("billing-runner", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.BoolVar(&o.version, "version", false, "")
	flags.StringVar(&o.logFile, "log-file", getenv(envLogFile), "")
	flags.StringVar(&level, "log-level", level, "")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(stdout, usage)
		}
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q; see --help", flags.Arg(0))
	}
	switch level {
	case "":
		o.logLevel = zerolog.InfoLevel
	case "debug", "info", "warn", "error":
		o.logLevel, _ = zerolog.ParseLevel(level)
	default:
		return o, fmt.Errorf("log level %q: not debug, info, warn or error", level)
	}
	return o, nil
}

// checkGateway checks what APISIX sets before the runner reads it, since the runner's own words on it are few.
func checkGateway(getenv func(string) string) error {
	var errs []error
	if path, ok := strings.CutPrefix(getenv(envListen), "unix:"); !ok || path == "" {
		errs = append(errs, fmt.Errorf("%s: not of the form unix:PATH; APISIX sets it when it starts the runner", envListen))
	}
	if s := getenv(envConfExpiry); s != "" {
		if n, err := strconv.Atoi(s); err != nil || n <= 0 {
			errs = append(errs, fmt.Errorf("%s: not a whole number of seconds above 0", envConfExpiry))
		}
	}
	return errors.Join(errs...)
}

// stateDir is where the runner remembers its last number. Beside the socket it may write in any case.
func stateDir(getenv func(string) string) string {
	if dir := getenv(envStateDir); dir != "" {
		return dir
	}
	return filepath.Join(filepath.Dir(strings.TrimPrefix(getenv(envListen), "unix:")), "billing-runner")
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
