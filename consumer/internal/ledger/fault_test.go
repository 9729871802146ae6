package ledger

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/go-sql-driver/mysql"

	"gateway-billing.internal/consumer/internal/ledger/coalesce"
)

func TestClassify(t *testing.T) {
	server := func(n uint16) error { return fmt.Errorf("records: %w", &mysql.MySQLError{Number: n}) }
	tests := []struct {
		name string
		err  error
		want fault
	}{
		{"deadlock", server(1213), faultContention},
		{"lock wait", server(1205), faultContention},
		{"read only", server(1290), faultOutage},
		{"read only transaction", server(1792), faultOutage},
		{"too many connections", server(1040), faultOutage},
		{"shutdown", server(1053), faultOutage},
		{"disk full", server(1021), faultOutage},
		{"table full", server(1114), faultOutage},
		{"a number nobody knows", server(9999), faultOutage},
		{"access denied", server(1045), faultSetup},
		{"no table", server(1146), faultSetup},
		{"no column", server(1054), faultSetup},
		{"too long", server(1406), faultStatement},
		{"bad characters", server(1366), faultStatement},
		{"packet", server(1153), faultStatement},
		{"too large, found before sending", fmt.Errorf("records: %w", coalesce.ErrTooLarge), faultStatement},
		{"too large, found by the driver", mysql.ErrPktTooLarge, faultStatement},
		{"broken in a statement", fmt.Errorf("records: %w", mysql.ErrInvalidConn), faultLost},
		{"refused", &net.OpError{Op: "dial", Err: errors.New("connection refused")}, faultLost},
		{"bad connection", driver.ErrBadConn, faultLost},
		{"broken in the commit", fmt.Errorf("%w: commit: %w", errOutside, mysql.ErrInvalidConn), faultOutage},
		{"deadlock in the commit", fmt.Errorf("%w: commit: %w", errOutside, server(1213)), faultContention},
		{"unknown", errors.New("never seen"), faultOutage},
		{"a context inside", context.DeadlineExceeded, faultLost},
	}
	for _, tt := range tests {
		if got := classify(tt.err); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
