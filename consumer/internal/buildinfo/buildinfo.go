// Package buildinfo owns what the binary knows about its own making, as the Go toolchain wrote it down.
package buildinfo

import (
	"fmt"
	"runtime/debug"
)

// Info is the build of a binary.
type Info struct {
	// Version is the version of the module, `(devel)` when it was built in a checkout without version control.
	Version string
	// Revision is the commit it was built from, empty when that is not known.
	Revision string
	// Go is the version of the toolchain.
	Go string
}

// Read gives the build of the running binary.
func Read() Info {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return Info{Version: "(devel)"}
	}
	info := Info{Version: build.Main.Version, Go: build.GoVersion}
	for _, s := range build.Settings {
		if s.Key == "vcs.revision" {
			info.Revision = s.Value
		}
	}
	return info
}

// String is the build in one line.
func (i Info) String() string {
	if i.Revision == "" {
		return fmt.Sprintf("%s (%s)", i.Version, i.Go)
	}
	return fmt.Sprintf("%s (%s, %s)", i.Version, i.Revision, i.Go)
}
