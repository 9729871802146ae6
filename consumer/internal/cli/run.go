package cli

import (
	"context"
	"io"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"gateway-billing.internal/consumer/internal/app"
	"gateway-billing.internal/consumer/internal/config"
)

func newRun(environ []string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Consume the topic until SIGTERM or SIGINT, then drain",
		Long: `Consume the topic until SIGTERM or SIGINT, then finish what is in flight and exit.
A second signal ends the process at once; nothing is lost by that, some messages will be read again.`,
		Args: cobra.NoArgs,
	}
	path := configFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return serveWith(cmd, *path, environ, func(c *config.Config) []config.Validator {
			return []config.Validator{c}
		}, app.Run)
	}
	return cmd
}

// serveWith lets something run that logs, with the configuration that it needs.
func serveWith(
	cmd *cobra.Command, path string, environ []string, need func(*config.Config) []config.Validator,
	run func(context.Context, config.Config, zerolog.Logger) error,
) error {
	cfg, warnings, err := config.Load(path, environ, need)
	if err != nil {
		return err
	}
	log, err := newLogger(cfg.Log, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	for _, w := range warnings {
		log.Warn().Msg(w)
	}
	if err := run(cmd.Context(), cfg, log); err != nil {
		log.Error().Err(err).Msg("stopped")
		return errLogged
	}
	return nil
}

// newLogger makes the logger of the process.
func newLogger(cfg config.Log, w io.Writer) (zerolog.Logger, error) {
	level, err := zerolog.ParseLevel(cfg.Level)
	if err != nil {
		return zerolog.Nop(), err
	}
	if cfg.Format == "console" {
		w = zerolog.ConsoleWriter{Out: w, TimeFormat: time.RFC3339}
	}
	return zerolog.New(w).Level(level).With().Timestamp().Logger(), nil
}
