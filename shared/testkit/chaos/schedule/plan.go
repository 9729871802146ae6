package schedule

import (
	"math/rand/v2"
	"time"
)

// Kind is a sort of fault within a lane, and how long it is held before it is healed.
type Kind struct {
	Name              string
	Shortest, Longest time.Duration
}

// Lane is a part of the system that one fault at a time happens to; those of different lanes overlap as they come.
type Lane struct {
	Name  string
	Kinds []Kind
	// ShortestGap and LongestGap lie between the end of one fault and the next.
	ShortestGap, LongestGap time.Duration
}

// Step is one planned fault.
type Step struct {
	Kind string
	// Wait is after the step before it was healed, Hold from its beginning to its healing.
	Wait, Hold time.Duration
	// Draw decides what the fault leaves open, such as which consumer.
	Draw uint64
}

// Plan deals the lane's faults for a duration: all kinds once in random order, then again.
func (l Lane) Plan(seed uint64, duration time.Duration) []Step {
	var salt uint64
	for _, c := range []byte(l.Name) {
		salt = salt*31 + uint64(c)
	}
	random := rand.New(rand.NewPCG(seed, salt))
	var steps []Step
	for at := time.Duration(0); ; {
		for _, i := range random.Perm(len(l.Kinds)) {
			kind := l.Kinds[i]
			step := Step{
				Kind: kind.Name, Draw: random.Uint64(),
				Wait: between(random, l.ShortestGap, l.LongestGap), Hold: between(random, kind.Shortest, kind.Longest),
			}
			if at += step.Wait + step.Hold; at > duration {
				return steps
			}
			steps = append(steps, step)
		}
	}
}

func between(random *rand.Rand, shortest, longest time.Duration) time.Duration {
	if longest <= shortest {
		return shortest
	}
	return shortest + time.Duration(random.Int64N(int64(longest-shortest)))
}
