// Command billing-runner is the plugin runner that APISIX starts beside itself. It serves one plugin, billing-keys, over
// the unix socket that APISIX names, until SIGTERM.
package main

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"time"

	runnerlogger "github.com/apache/apisix-go-plugin-runner/pkg/log"
	runnerplugin "github.com/apache/apisix-go-plugin-runner/pkg/plugin"
	"github.com/apache/apisix-go-plugin-runner/pkg/runner"
	"github.com/rs/zerolog"
	"go.uber.org/zap/zapcore"

	"gateway-billing.internal/plugin/internal/billingstamp"
	"gateway-billing.internal/plugin/internal/runnerlog"
	"gateway-billing.internal/plugin/internal/runnermemory"
	"gateway-billing.internal/shared/billingkey"
)

func main() {
	os.Exit(run(os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// run is the program: its exit code is 0 after SIGTERM, 1 where it can't start, 2 for wrong arguments. A failure of the
// runner itself (the socket can't be opened) ends the process from within, after a line in the log.
func run(args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	o, err := parseOptions(args, getenv, stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintln(stderr, "billing-runner:", err)
		return 2
	case o.version:
		fmt.Fprintln(stdout, "billing-runner", version())
		return 0
	}
	out := stderr
	if o.logFile != "" {
		file, err := os.OpenFile(o.logFile, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o640)
		if err != nil {
			fmt.Fprintln(stderr, "billing-runner: log file:", err)
			return 1
		}
		defer file.Close()
		out = file
	}
	log := zerolog.New(zerolog.SyncWriter(out)).Level(o.logLevel).With().Timestamp().Str("program", "billing-runner").Logger()
	if err := serve(getenv, log); err != nil {
		log.Error().Err(err).Msg("can't start")
		return 1
	}
	return 0
}

// serve checks what the process was given, registers the plugin, and hands over to the runner, which owns the signals
// and returns on SIGINT or SIGTERM.
func serve(getenv func(string) string, log zerolog.Logger) error {
	keys, keysErr := billingkey.LoadKeys(getenv)
	name, nameErr := runnerID(getenv)
	if err := errors.Join(checkGateway(getenv), keysErr, nameErr); err != nil {
		return err
	}
	var random [8]byte
	if _, err := rand.Read(random[:]); err != nil {
		return fmt.Errorf("epoch: %w", err)
	}
	epoch := billingkey.NewEpoch(time.Now(), binary.BigEndian.Uint64(random[:]))
	options := billingstamp.Options{Keys: keys, Runner: name, Epoch: epoch, Now: time.Now, Random: rand.Reader, Log: log}
	memory, err := runnermemory.Open(stateDir(getenv), name, epoch)
	if err != nil {
		log.Warn().Err(err).Msgf("the last number of this run will be forgotten, and what is lost at its end not be seen: set %s", envStateDir)
	} else {
		// It is not closed: the runner returns at its signal while requests may still be numbered. The end of the process
		// gives it to the next one.
		if memory.Spoiled() {
			log.Warn().Msg("the file of the run before this one is spoiled: what was lost at that run's end will not be seen")
		}
		options.Counter = memory.Counter()
		options.PreviousEpoch, options.PreviousLast = memory.Previous()
	}
	plugin, err := billingstamp.New(options)
	if err != nil {
		return err
	}

	// The runner logs each call at info level. Its logger is set before the plugin is registered, for that logs too.
	bridge := runnerlog.New(log)
	runnerlogger.NewLogger(zapcore.WarnLevel, bridge)
	if err := runnerplugin.RegisterPlugin(plugin); err != nil {
		return err
	}
	if keys.Empty() {
		log.Warn().Msgf("stamps are NOT sealed, anyone can make them: set %s or %s", billingkey.EnvKeys, billingkey.EnvKeysFile)
	}
	log.Info().Str("version", version()).Str("runner", name).Stringer("epoch", epoch).Stringer("keys", keys).
		Stringer("previous_epoch", options.PreviousEpoch).Uint64("previous_last", options.PreviousLast).Msg("started")
	runner.Run(runner.RunnerConfig{LogLevel: zapcore.WarnLevel, LogOutput: bridge})
	log.Info().Msg("stopped")
	return nil
}

// version is the version of the module, the toolchain's, and the commit where it is known.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(devel)"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return fmt.Sprintf("%s (%s, %s)", info.Main.Version, s.Value, info.GoVersion)
		}
	}
	return fmt.Sprintf("%s (%s)", info.Main.Version, info.GoVersion)
}
