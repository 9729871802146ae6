//go:build !unix

package app

import "context"

// atHangup does nothing where there is no SIGHUP: a restart reads what can change.
func atHangup(context.Context, func()) {}
