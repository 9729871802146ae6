package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"gateway-billing.internal/consumer/internal/config"
	"gateway-billing.internal/consumer/internal/ledger"
)

func newMigrate(environ []string) *cobra.Command {
	return group(&cobra.Command{
		Use:   "migrate",
		Short: "Bring the database's tables to this version, or show what is missing",
		Long: `Bring the database's tables to this version, or show what is missing. Only the part mysql of the
configuration is needed. A table that an older consumer made is taken over with all its rows.`,
	},
		newMigrateCommand(environ, "up", "Apply the migrations that are pending", migrateUp),
		newMigrateCommand(environ, "status", "List the migrations, applied and pending", migrateStatus),
		newMigrateCommand(environ, "validate", "Compare the tables with what the migrations make", migrateValidate),
	)
}

// newMigrateCommand makes a command that works on the database of the configuration.
func newMigrateCommand(environ []string, use, short string,
	do func(ctx context.Context, w io.Writer, cfg config.MySQL) error,
) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs}
	path := configFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, warnings, err := config.Load(*path, environ, func(c *config.Config) []config.Validator {
			return []config.Validator{c.MySQL}
		})
		warn(cmd, warnings)
		if err != nil {
			return err
		}
		if err := do(cmd.Context(), cmd.OutOrStdout(), cfg.MySQL); err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
		return nil
	}
	return cmd
}

func migrateUp(ctx context.Context, w io.Writer, cfg config.MySQL) error {
	applied, err := ledger.MigrateUp(ctx, cfg.DSN.Reveal(), cfg.Options()...)
	for _, m := range applied {
		fmt.Fprintf(w, "%d\tapplied\n", m.Version)
	}
	if err == nil && len(applied) == 0 {
		fmt.Fprintln(w, "nothing to do, the schema is current")
	}
	return err
}

func migrateStatus(ctx context.Context, w io.Writer, cfg config.MySQL) error {
	all, err := ledger.MigrateStatus(ctx, cfg.DSN.Reveal(), cfg.Options()...)
	if err != nil {
		return err
	}
	for _, m := range all {
		state := "pending"
		if !m.AppliedAt.IsZero() {
			state = "applied " + m.AppliedAt.UTC().Format(time.RFC3339)
		}
		fmt.Fprintf(w, "%d\t%s\n", m.Version, state)
	}
	return nil
}

func migrateValidate(ctx context.Context, w io.Writer, cfg config.MySQL) error {
	problems, extra, err := ledger.ValidateSchema(ctx, cfg.DSN.Reveal(), cfg.Options()...)
	if err != nil {
		return err
	}
	for _, e := range extra {
		fmt.Fprintf(w, "added\t%s\n", e)
	}
	for _, p := range problems {
		fmt.Fprintf(w, "wrong\t%s\n", p)
	}
	if len(problems) > 0 {
		return fmt.Errorf("validate: %d differences from what the migrations make", len(problems))
	}
	fmt.Fprintln(w, "the tables are as the migrations make them")
	return nil
}
