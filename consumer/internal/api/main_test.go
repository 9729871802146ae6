package api_test

import (
	"os"
	"testing"

	"gateway-billing.internal/consumer/internal/source/sourcetest"
	"gateway-billing.internal/shared/testkit/stack"
)

func TestMain(m *testing.M) {
	sourcetest.ExemptRaces()
	os.Exit(stack.Main(m, sourcetest.ClientLeaks()...))
}
