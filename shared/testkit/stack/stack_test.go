package stack_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"gateway-billing.internal/shared/testkit/stack"
)

func TestTwoStacksSideBySide(t *testing.T) {
	needServers(t)
	tempDir := alone(t)
	stacks, errs := make([]*stack.Stack, 2), make([]error, 2)
	done := make(chan struct{})
	for i := range stacks {
		go func() {
			stacks[i], errs[i] = stack.Start(t.Context(), stack.Options{})
			done <- struct{}{}
		}()
	}
	<-done
	<-done
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	for i, s := range stacks {
		if err := s.RocketMQ.CreateTopic(t.Context(), fmt.Sprintf("topic-%d", i), 1+i, stack.ReadWrite); err != nil {
			t.Error(err)
		}
		if _, err := s.Database.CreateDatabase(t.Context(), "same_name"); err != nil {
			t.Error(err)
		}
	}
	if _, err := stacks[0].RocketMQ.MaxOffsets(t.Context(), "topic-1"); err == nil {
		t.Error("the first broker knows the second one's topic")
	}

	for _, s := range stacks {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
		if err := s.Stop(); err != nil {
			t.Errorf("second Stop: %v", err)
		}
	}
	if found := left(t, tempDir); len(found) > 0 {
		t.Errorf("left behind:\n%s", strings.Join(found, "\n"))
	}
}

func TestFailedStartLeavesNothing(t *testing.T) {
	needServers(t)
	for _, tc := range []struct {
		name    string
		options stack.Options
		want    string
	}{
		{"database", stack.Options{DatabaseArgs: []string{"--no-such-option"}}, "unknown option '--no-such-option'"},
		{
			"broker", stack.Options{RocketMQ: stack.RocketMQOptions{BrokerConfig: []string{"namesrvAddr=nonsense:port"}}},
			"nonsense:port",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tempDir := alone(t)
			s, err := stack.Start(t.Context(), tc.options)
			if err == nil {
				t.Fatal("it started", s.Stop())
			}
			if !strings.Contains(err.Error(), "start the "+tc.name) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %q does not name the %s and show %q of its log", err, tc.name, tc.want)
			}
			if found := left(t, tempDir); len(found) > 0 {
				t.Errorf("left behind:\n%s", strings.Join(found, "\n"))
			}
		})
	}
}
