package replay_test

import (
	"testing"

	"go.uber.org/goleak"

	"gateway-billing.internal/consumer/internal/source/sourcetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, sourcetest.ClientLeaks()...) }
