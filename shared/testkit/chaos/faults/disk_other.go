//go:build !linux

package faults

import (
	"database/sql"

	"gateway-billing.internal/shared/testkit/chaos/schedule"
)

// PrepareDisk has nothing to prepare.
func PrepareDisk() {}

// diskFull is only the error of a full disk: the files of a process that runs can't be limited here.
func diskFull(_ Server, admin *sql.DB) schedule.Fault { return settings(admin)["table full"] }
