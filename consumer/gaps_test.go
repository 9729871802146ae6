package main_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"testing"

	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/shared/testkit/gateway/rocketlog"
)

// missing is what `billing-consumer gaps` lists, numbers by run.
func (w *world) missing(t *testing.T) map[string][]uint64 {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, "gaps", "--config", w.config(t), "--settle", "0s", "--output", "json")
	var problem bytes.Buffer
	cmd.Stderr = &problem
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("gaps: %v\n%s", err, problem.String())
	}
	all := map[string][]uint64{}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var run struct {
			Epoch string
			Gaps  []struct{ First, Last uint64 }
		}
		if err := decoder.Decode(&run); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		for _, gap := range run.Gaps {
			for n := gap.First; n <= gap.Last; n++ {
				all[run.Epoch] = append(all[run.Epoch], n)
			}
		}
	}
}

// A gateway that is ended by TERM loses what its logger still holds, and its runner ends with it. The numbers of exactly
// those requests are the gaps, once the next run has stamped; before, and in a clean run, there are none.
func TestGapsOfAGatewayThatIsEnded(t *testing.T) {
	t.Parallel()
	s := newSite(t, rocketlog.Metadata{LogFormatExtra: rocketlog.BillingExtra()})
	for range 5 {
		s.request(t, "/v1/chat?prompt=1&completion=1", "alice-key")
	}
	s.recorded(t)
	if got := s.missing(t); len(got) != 0 {
		t.Errorf("a clean run misses %v", got)
	}
	for range 4 {
		s.request(t, "/late/chat?prompt=1&completion=1", "alice-key")
	}
	lost := slices.Clone(s.truths[len(s.truths)-4:])
	if n := s.Discard(); n != 4 {
		t.Fatalf("%d entries lost, want 4", n)
	}
	if err := s.runner.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := s.runner.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.truths = s.truths[:len(s.truths)-4]
	s.request(t, "/v1/chat?prompt=1&completion=1", "alice-key")
	s.recorded(t)

	keys, err := billingkey.ParseKeys(s.keys)
	if err != nil {
		t.Fatal(err)
	}
	got := s.missing(t)
	for _, truth := range lost {
		stamp, state := keys.Open(truth.Stamp)
		if state != billingkey.Verified {
			t.Fatalf("the runner's own stamp is %s", state)
		}
		run := got[stamp.Epoch.String()]
		if len(run) == 0 || run[0] != stamp.Sequence {
			t.Fatalf("number %d of run %s is no gap: %v", stamp.Sequence, stamp.Epoch, got)
		}
		got[stamp.Epoch.String()] = run[1:]
	}
	for run, rest := range got {
		if len(rest) > 0 {
			t.Errorf("run %s misses %v too", run, rest)
		}
	}
}
