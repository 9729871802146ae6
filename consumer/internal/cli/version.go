package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"gateway-billing.internal/consumer/internal/buildinfo"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), name, buildinfo.Read())
			return err
		},
	}
}
