//go:build chaos

package chaospoint

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// The test starts itself: the child passes a point four times and says so each time.
func TestReachKillsAtTheArmedPass(t *testing.T) {
	if os.Getenv("CHAOSPOINT_CHILD") != "" {
		for range 4 {
			Reach(AfterDecode)
			Reach(BeforeAck)
			os.Stdout.WriteString("passed\n")
		}
		return
	}
	for armed, want := range map[string]int{"before-ack:3": 2, "after-decode:1": 0, "drain:1": 4, "before-ack": 4, "": 4} {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestReachKillsAtTheArmedPass$")
		cmd.Env = append(os.Environ(), "CHAOSPOINT_CHILD=1", PointEnv+"="+armed)
		out, err := cmd.Output()
		if got := strings.Count(string(out), "passed"); got != want || (err == nil) != (want == 4) {
			t.Errorf("%q: passed %d times, want %d; %v", armed, got, want, err)
		}
	}
}
