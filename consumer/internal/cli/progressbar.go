package cli

import (
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// showProgress shows on a terminal how many records are done of those that are expected (less than 0: nobody knows), and nothing
// anywhere else. It goes when done is called.
func showProgress(cmd *cobra.Command, expected func() int64) (add func(records int64), done func()) {
	f, ok := cmd.ErrOrStderr().(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return func(int64) {}, func() {}
	}
	bar := progressbar.NewOptions64(expected(), progressbar.OptionSetWriter(f), progressbar.OptionShowCount(), progressbar.OptionShowIts(),
		progressbar.OptionSetItsString("records"), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond))
	return func(n int64) { bar.Add64(n) }, func() { bar.Finish() } //nolint:errcheck // of a terminal
}
