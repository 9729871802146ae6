// Command billing-runner is the plugin runner that APISIX starts beside itself. It serves one plugin, billing-keys, over
// the unix socket that APISIX names, until SIGTERM.
package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"github.com/apache/apisix-go-plugin-runner/inside"
	runnerlogger "github.com/apache/apisix-go-plugin-runner/pkg/log"
	runnerplugin "github.com/apache/apisix-go-plugin-runner/pkg/plugin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"go.uber.org/zap/zapcore"

	"gateway-billing.internal/plugin/internal/billingstamp"
	"gateway-billing.internal/plugin/internal/frameserver"
	"gateway-billing.internal/plugin/internal/runnerlog"
	"gateway-billing.internal/plugin/internal/runnermemory"
	"gateway-billing.internal/plugin/internal/runnermetrics"
	"gateway-billing.internal/shared/billingkey"
)

func main() {
	os.Exit(run(os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// run is the program: its exit code is 0 after SIGTERM, 1 where it can't start or a check fails, 2 for wrong arguments.
func run(args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	o, err := parseOptions(args, getenv, stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintln(stderr, "billing-runner:", err)
		return 2
	case o.command == "version":
		fmt.Fprintln(stdout, "billing-runner", version())
		return 0
	case o.command == "check":
		if !check(getenv, stdout) {
			return 1
		}
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

// serve checks what the process was given, opens the socket, and serves until SIGTERM or SIGINT.
func serve(getenv func(string) string, log zerolog.Logger) error {
	// Where APISIX dies, so does the pipe that the log goes to. That must not end what is still asked here.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()

	s, err := loadSettings(getenv)
	if err != nil {
		return err
	}
	for _, warning := range ineffective(os.Environ()) {
		log.Warn().Msg(warning)
	}
	registry := prometheus.NewRegistry()
	metrics := runnermetrics.New(registry)
	plugin, err := newPlugin(s, metrics, log)
	if err != nil {
		return err
	}
	// The library logs each call at info level. Its logger is set before the plugin is registered, for that logs too.
	runnerlogger.NewLogger(zapcore.WarnLevel, runnerlog.New(log))
	if err := runnerplugin.RegisterPlugin(plugin); err != nil {
		return err
	}
	// Longer than the gateway keeps its token of a configuration, as the library does.
	inside.KeepConf(s.confExpiry + s.confExpiry/5)

	listener, err := frameserver.Listen(s.socket, s.socketMode)
	if err != nil {
		return err
	}
	var serving sync.WaitGroup
	defer serving.Wait()
	if s.metrics != "" {
		serving.Go(func() { runnermetrics.Serve(ctx, s.metrics, registry, log) })
	}
	if s.byAPISIX {
		serving.Go(func() {
			if awaitOrphaned(ctx) {
				log.Warn().Msg("the APISIX that started this runner is gone")
				stop()
			}
		})
	}
	log.Info().Str("socket", s.socket).Msg("listening")
	server := frameserver.New(frameserver.Options{
		Handle: inside.Handle, Together: [2][]byte{inside.Question(billingstamp.RequestIDVar), inside.Question(billingstamp.ConsumerVar)},
		Grace: grace, Drain: s.drain, Metrics: metrics, Log: log,
	})
	cutOff := server.Serve(ctx, listener)
	if cutOff > 0 {
		log.Warn().Int("calls", cutOff).Dur("drain_ms", s.drain).Msg("calls were cut off: their requests pass unstamped, or are refused")
	}
	log.Info().Msg("stopped")
	return nil
}

// newPlugin makes the plugin of this process, with what the run before left.
func newPlugin(s settings, metrics *runnermetrics.Metrics, log zerolog.Logger) (*billingstamp.Plugin, error) {
	var random [8]byte
	if _, err := rand.Read(random[:]); err != nil {
		return nil, fmt.Errorf("epoch: %w", err)
	}
	epoch := billingkey.NewEpoch(time.Now(), binary.BigEndian.Uint64(random[:]))
	options := billingstamp.Options{
		Keys: s.keys, Runner: s.runner, Epoch: epoch, Now: time.Now, Random: rand.Reader, Metrics: metrics, Log: log,
	}
	memory, err := runnermemory.Open(s.stateDir, s.runner, epoch)
	if err != nil {
		log.Warn().Err(err).Msgf("the last number of this run will be forgotten, and what is lost at its end not be seen: set %s", envStateDir)
	} else {
		// It is not closed: calls that were cut off may still be numbered. The end of the process gives it to the next one.
		if memory.Spoiled() {
			log.Warn().Msg("the file of the run before this one is spoiled: what was lost at that run's end will not be seen")
		}
		options.Counter = memory.Counter()
		options.PreviousEpoch, options.PreviousLast = memory.Previous()
	}
	plugin, err := billingstamp.New(options)
	if err != nil {
		return nil, err
	}
	if s.keys.Empty() {
		log.Warn().Msgf("stamps are NOT sealed, anyone can make them: set %s or %s", billingkey.EnvKeys, billingkey.EnvKeysFile)
	}
	log.Info().Str("version", version()).Str("runner", s.runner).Stringer("epoch", epoch).Stringer("keys", s.keys).
		Stringer("previous_epoch", options.PreviousEpoch).Uint64("previous_last", options.PreviousLast).Msg("started")
	return plugin, nil
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
