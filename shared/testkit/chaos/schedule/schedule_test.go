package schedule

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"testing/synctest"
	"time"
)

var lane = Lane{
	Name: "database", Kinds: []Kind{{"kill", time.Second, 3 * time.Second}, {"pause", time.Second, time.Second}, {"cut", 0, 0}},
	ShortestGap: time.Second, LongestGap: 4 * time.Second,
}

func TestTheSameSeedGivesTheSamePlanWithEveryKind(t *testing.T) {
	one, two := lane.Plan(7, time.Minute), lane.Plan(7, time.Minute)
	if !reflect.DeepEqual(one, two) || reflect.DeepEqual(one, lane.Plan(8, time.Minute)) {
		t.Error("a plan is not a function of its seed")
	}
	kinds, all := map[string]int{}, time.Duration(0)
	for _, step := range one[:3] {
		kinds[step.Kind]++
	}
	for _, step := range one {
		all += step.Wait + step.Hold
	}
	if len(kinds) != 3 || all > time.Minute {
		t.Errorf("first three: %v; %s in all", kinds, all)
	}
}

func TestWhatIsAppliedIsHealedAlsoWhenTheRunIsBrokenOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		applied, healed := 0, 0
		fault := func(context.Context, uint64) (func(context.Context) error, error) {
			applied++
			return func(ctx context.Context) error { healed++; return ctx.Err() }, nil
		}
		steps := []Step{{Kind: "a", Wait: time.Second, Hold: time.Second}, {Kind: "a", Wait: time.Second, Hold: time.Hour}, {Kind: "a"}}
		told := 0
		if err := Run(ctx, steps, map[string]Fault{"a": fault}, func(Step) { told++ }); err != nil {
			t.Fatal(err)
		}
		if applied != 2 || healed != 2 || told != 2 {
			t.Errorf("applied %d, healed %d, told %d", applied, healed, told)
		}
	})
}

func TestAFaultThatFailsEndsTheRunAndIsHealed(t *testing.T) {
	broken, healed := errors.New("broken"), false
	err := Run(t.Context(), []Step{{Kind: "a"}, {Kind: "a"}}, map[string]Fault{
		"a": func(context.Context, uint64) (func(context.Context) error, error) {
			return func(context.Context) error { healed = true; return nil }, broken
		},
	}, func(Step) {})
	if !errors.Is(err, broken) || !healed {
		t.Errorf("%v, healed %v", err, healed)
	}
}
