// Package sourcetest owns what tests must know of the RocketMQ client to look for races and leaks of our own in a
// process in which a Source runs: which data races and which left-over goroutines are the client's.
package sourcetest

import (
	_ "embed"
	"os"
	"strings"
	"syscall"

	"go.uber.org/goleak"
)

// races lists the client's data races, by the functions of theirs that take part. None of these functions calls a
// handler, so a race of ours is not hidden by them.
//
//go:embed races.txt
var races []byte

// ExemptRaces makes the race detector silent about the client's own data races. It is the first thing in TestMain: the
// detector reads its settings when the process starts, so this starts the test binary anew, in the same process, once.
// Without the race detector it does nothing.
func ExemptRaces() {
	const (
		setting = "suppressions="
		again   = "ROCKETMQ_CLIENT_RACES" // names the file in the process that was started anew
	)
	if !raceEnabled {
		return
	}
	if file := os.Getenv(again); file != "" {
		_ = os.Unsetenv(again)
		_ = os.Remove(file)
		return
	}
	settings := os.Getenv("GORACE")
	if strings.Contains(settings, setting) {
		return // somebody's own list
	}
	file, err := os.CreateTemp("", "client-races-*.txt")
	if err == nil {
		_, err = file.Write(races)
	}
	if err == nil {
		err = file.Close()
	}
	self, exeErr := os.Executable()
	if err != nil || exeErr != nil {
		return // the races are reported then, which is loud enough
	}
	_ = os.Setenv("GORACE", strings.TrimSpace(settings+" "+setting+file.Name()))
	_ = os.Setenv(again, file.Name())
	_ = syscall.Exec(self, os.Args, os.Environ())
}

// ClientLeaks are the goroutines that a client leaves behind when it is shut down, none of which it can be made to end.
func ClientLeaks() []goleak.Option {
	const (
		module   = "github.com/apache/rocketmq-client-go/v2/"
		consumer = module + "consumer."
		internal = module + "internal."
	)
	return []goleak.Option{
		// A cache that the client's producer package starts when it is loaded.
		goleak.IgnoreTopFunction("github.com/patrickmn/go-cache.(*janitor).Run"),
		// The statistics' printers sleep until the next minute, hour and month before they look whether they are closed.
		goleak.IgnoreAnyFunction(consumer + "(*statsItemSet).init.func4"),
		goleak.IgnoreAnyFunction(consumer + "(*statsItemSet).init.func5"),
		goleak.IgnoreAnyFunction(consumer + "(*statsItemSet).init.func6"),
		// The cleaner of expired messages sleeps ConsumeTimeout first.
		goleak.IgnoreAnyFunction(consumer + "(*pushConsumer).Start.func1.2"),
		// The name server update and the commit of offsets sleep 10 s first, the heartbeat 1 s.
		goleak.IgnoreAnyFunction(internal + "(*rmqClient).Start.func1.1"),
		goleak.IgnoreAnyFunction(internal + "(*rmqClient).Start.func1.3"),
		goleak.IgnoreAnyFunction(internal + "(*rmqClient).Start.func1.4"),
		// The members of the group are asked for, for 3 s, and another balancing waits for that one's end.
		goleak.IgnoreAnyFunction(internal + "(*rmqClient).RebalanceIfNotPaused"),
		goleak.IgnoreAnyFunction(internal + "(*rmqClient).RebalanceImmediately"),
		// A pull whose connection was closed waits for its answer for 30 s; closing does not wake it.
		goleak.IgnoreAnyFunction(internal + "(*rmqClient).PullMessage"),
		// The connection to the name server is not closed by Shutdown; its reader gives up after 120 s.
		goleak.IgnoreAnyFunction(module + "internal/remote.(*remotingClient).receiveResponse"),
	}
}
