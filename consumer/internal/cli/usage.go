package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"gateway-billing.internal/consumer/internal/config"
	"gateway-billing.internal/consumer/internal/ledger"
	"gateway-billing.internal/consumer/internal/ledger/totals"
	"gateway-billing.internal/consumer/internal/usagereport"
)

func newUsage(environ []string) *cobra.Command {
	return group(&cobra.Command{
		Use:   "usage",
		Short: "Report usage, export records, hold sums against records",
		Long: `Report what was used, export the records, and hold the sums of usage against the records that they
are sums of. Only the part mysql of the configuration is needed.`,
	}, newUsageReport(environ), newUsageExport(environ), newUsageVerify(environ), newUsageRebuild(environ))
}

// openUsage opens the ledger, whose tables must be current.
func openUsage(cmd *cobra.Command, path string, environ []string) (*ledger.Store, error) {
	cfg, warnings, err := config.Load(path, environ, func(c *config.Config) []config.Validator {
		return []config.Validator{c.MySQL}
	})
	warn(cmd, warnings)
	if err != nil {
		return nil, err
	}
	store, err := ledger.Open(ledger.Options{DSN: cfg.MySQL.DSN.Reveal(), Connect: cfg.MySQL.Options()})
	if err != nil {
		return nil, err
	}
	if err := store.Current(cmd.Context()); err != nil {
		store.Close() //nolint:errcheck // nothing was written
		return nil, err
	}
	return store, nil
}

// usageTime are the flags of a time in a zone.
type usageTime struct {
	from, to, zone *string
	begin, end     time.Time
	location       *time.Location
}

func usageTimeFlags(cmd *cobra.Command, from string) *usageTime {
	return &usageTime{
		from: cmd.Flags().String("from", from, "from the beginning of this `TIME` on"),
		to:   cmd.Flags().String("to", "", "to the beginning of this `TIME` (default: the end of what --from names)"),
		zone: cmd.Flags().String("zone", "UTC", "`ZONE` of days and months, such as Europe/Berlin"),
	}
}

func (u *usageTime) read(now time.Time) (err error) {
	if u.location, err = totals.Location(*u.zone); err != nil {
		return fmt.Errorf("--zone: unknown time zone %q", *u.zone)
	}
	u.begin, u.end, err = usagereport.Span(*u.from, *u.to, now, u.location)
	return err
}

const usageTimes = "A TIME is " + usagereport.TimeForms + "."
