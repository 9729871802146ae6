package ledger_test

import (
	"os"
	"testing"

	"gateway-billing.internal/consumer/internal/source/sourcetest"
	"gateway-billing.internal/shared/testkit/stack"
)

// The pipeline, which makes the records of TestCopiesMeet, brings the RocketMQ client's goroutines along.
func TestMain(m *testing.M) { os.Exit(stack.Main(m, sourcetest.ClientLeaks()...)) }
