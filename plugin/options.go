package main

import (
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/rs/zerolog"
)

const usage = `billing-runner serves the plugin billing-keys to APISIX, which starts it:

  ext-plugin:
    cmd: [/usr/bin/env, BILLING_STAMP_KEYS_FILE=/etc/billing/stamp-keys, /usr/local/bin/billing-runner]

Commands:
  (none)    serve
  check     check what serving would need (configuration, keys, directories, socket), and change nothing
  version   print the version

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
  BILLING_RUNNER_METRICS     HOST:PORT that answers /metrics, default none
  BILLING_RUNNER_SOCKET_MODE who may connect to the socket, default 0666: APISIX's workers run as another user
  BILLING_RUNNER_DRAIN       how long requests under way may take after SIGTERM, default 700ms: APISIX kills after 1 s
  BILLING_RUNNER_LOG_FILE    as --log-file
  BILLING_RUNNER_LOG_LEVEL   as --log-level
  APISIX_LISTEN_ADDRESS      unix:PATH of the socket to serve; set by APISIX
  APISIX_CONF_EXPIRE_TIME    seconds that a configuration is kept, default 3600; set by APISIX. Where it is set, the runner
                             ends with the process that started it
`

const (
	envLogFile  = "BILLING_RUNNER_LOG_FILE"
	envLogLevel = "BILLING_RUNNER_LOG_LEVEL"
)

type options struct {
	command  string // "", "check", "version"
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
	showVersion := flags.Bool("version", false, "")
	flags.StringVar(&o.logFile, "log-file", getenv(envLogFile), "")
	flags.StringVar(&level, "log-level", level, "")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(stdout, usage)
		}
		return o, err
	}
	rest := flags.Args()
	if len(rest) > 0 && (rest[0] == "check" || rest[0] == "version") {
		o.command, rest = rest[0], rest[1:]
	}
	if *showVersion {
		o.command = "version"
	}
	if len(rest) > 0 {
		return o, fmt.Errorf("unexpected argument %q; see --help", rest[0])
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
