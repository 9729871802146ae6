package stack_test

import (
	"testing"
	"time"

	"gateway-billing.internal/shared/testkit/stack"
)

func TestStart(t *testing.T) {
	start := time.Now()
	s, err := stack.Start(t.Context(), stack.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Log("start", time.Since(start))
	defer func() {
		b := time.Now()
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
		t.Log("stop", time.Since(b))
	}()
	t.Run("x", func(t *testing.T) {
		b := time.Now()
		t.Log(s.Database.NewDatabase(t))
		topic := s.RocketMQ.NewTopic(t, 4)
		group := s.RocketMQ.NewGroup(t)
		t.Log(time.Since(b))
		t.Log(s.RocketMQ.MaxOffsets(t.Context(), topic))
		t.Log(s.RocketMQ.CommittedOffsets(t.Context(), group, topic))
	})
}
