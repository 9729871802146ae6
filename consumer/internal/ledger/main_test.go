package ledger_test

import (
	"os"
	"testing"

	"gateway-billing.internal/shared/testkit/stack"
)

func TestMain(m *testing.M) { os.Exit(stack.Main(m)) }
