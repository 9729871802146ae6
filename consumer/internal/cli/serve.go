package cli

import (
	"github.com/spf13/cobra"

	"gateway-billing.internal/consumer/internal/app"
	"gateway-billing.internal/consumer/internal/config"
)

func newServe(environ []string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the HTTP API alone, beside any number of consumers",
		Long: `Serve the HTTP API until SIGTERM or SIGINT, and read no messages. Use it where those who take over
usage shall not reach the machines of the consumers; otherwise api.listen lets run serve it too. The
configuration is that of run, with another http.listen where both run on one machine.`,
		Args: cobra.NoArgs,
	}
	path := configFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return serveWith(cmd, *path, environ, func(c *config.Config) []config.Validator {
			return []config.Validator{c, needsAPI{c}}
		}, app.Serve)
	}
	return cmd
}

// needsAPI is a configuration with an address for the API.
type needsAPI struct{ *config.Config }

func (c needsAPI) Validate() error {
	if c.API.Listen == "" {
		return config.Errors{{Field: "api.listen", Problem: "is required for serve, such as 127.0.0.1:9465"}}
	}
	return nil
}
