//go:build chaos

package chaospoint

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
)

// left is how many passes of the armed point are to come, this process's end included.
var left atomic.Int64

var armed = arm(os.Getenv(PointEnv))

func arm(value string) Point {
	point, n, ok := strings.Cut(value, ":")
	passes, err := strconv.ParseInt(n, 10, 64)
	if !ok || err != nil || passes < 1 {
		return ""
	}
	left.Store(passes)
	return Point(point)
}

// Reach kills the process at the armed pass of the armed point: SIGKILL, so that nothing deferred runs.
func Reach(point Point) {
	if point != armed || left.Add(-1) != 0 {
		return
	}
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	if err != nil {
		panic(err)
	}
	select {} // the signal is on its way
}
