package faults

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os/signal"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"gateway-billing.internal/shared/testkit/chaos/schedule"
)

// PrepareDisk must come before the database is started: a server that inherits this signal as ignored gets an error from
// a write beyond the limit of "disk full", as from a full disk, and not its end.
func PrepareDisk() { signal.Ignore(unix.SIGXFSZ) }

// diskFull lets no file of the server grow beyond the largest that it has: that is the ledger's once it has some MiB, and
// its next extent fails as on a full disk. What is written within the files, redo log included, still can be.
func diskFull(server Server, admin *sql.DB) schedule.Fault {
	return func(ctx context.Context, _ uint64) (healing, error) {
		pid, before := server.PID(), unix.Rlimit{}
		heal := func(ctx context.Context) error {
			err := unix.Prlimit(pid, unix.RLIMIT_FSIZE, &before, nil)
			if err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("limits of the database: %w", err)
			}
			return revive(ctx, server, admin)
		}
		largest, err := largestFile(ctx, admin)
		if err != nil {
			return nil, err
		}
		if err := unix.Prlimit(pid, unix.RLIMIT_FSIZE, nil, &before); err != nil {
			return nil, fmt.Errorf("limits of the database: %w", err)
		}
		limit := unix.Rlimit{Cur: uint64(largest), Max: before.Max}
		return heal, unix.Prlimit(pid, unix.RLIMIT_FSIZE, &limit, nil)
	}
}

// revive waits until the server answers, and starts it where it has given up for want of space.
func revive(ctx context.Context, server Server, admin *sql.DB) error {
	for {
		if server.PID() == 0 {
			return server.Start(ctx)
		}
		err := admin.PingContext(ctx)
		if err == nil || ctx.Err() != nil {
			return err
		}
		wait(ctx, 100*time.Millisecond)
	}
}

func largestFile(ctx context.Context, admin *sql.DB) (largest int64, err error) {
	var dir string
	if err := admin.QueryRowContext(ctx, `SELECT @@datadir`).Scan(&dir); err != nil {
		return 0, fmt.Errorf("the database's directory: %w", err)
	}
	err = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a temporary file that went meanwhile
		}
		if err != nil {
			return err
		}
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			largest = max(largest, info.Size())
		}
		return nil
	})
	return largest, err
}
