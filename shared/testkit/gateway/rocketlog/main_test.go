package rocketlog

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"gateway-billing.internal/shared/testkit/stack"
)

// The RocketMQ client starts a goroutine when it is loaded. Three that each producer has sleep for up to 10 s before
// they look whether it is closed, and the connection to the name server stays open for 120 s.
func TestMain(m *testing.M) {
	const (
		module = "github.com/apache/rocketmq-client-go/v2/internal"
		start  = module + ".(*rmqClient).Start.func1."
	)
	os.Exit(stack.Main(m, goleak.IgnoreCurrent(),
		goleak.IgnoreAnyFunction(start+"1"), goleak.IgnoreAnyFunction(start+"3"), goleak.IgnoreAnyFunction(start+"4"),
		goleak.IgnoreAnyFunction(module+"/remote.(*remotingClient).receiveResponse")))
}
