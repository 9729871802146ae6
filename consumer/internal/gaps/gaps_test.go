package gaps_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"gateway-billing.internal/consumer/internal/gaps"
	"gateway-billing.internal/shared/billingkey"
)

var began = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func epoch(n uint64) billingkey.Epoch {
	return billingkey.NewEpoch(began.Add(time.Duration(n)*time.Hour), n)
}

// seen is a range of run n that arrived an hour ago.
func seen(n, first, last uint64, change ...func(*gaps.Seen)) gaps.Seen {
	s := gaps.Seen{Runner: "r", Epoch: epoch(n), Verified: true, Range: gaps.Range{First: first, Last: last}, Age: time.Hour,
		Since: began.Add(50 * time.Hour)}
	for _, c := range change {
		c(&s)
	}
	return s
}

func aged(age time.Duration) func(*gaps.Seen) { return func(s *gaps.Seen) { s.Age = age } }

// behind is a change: the run tells of run n before it and its last number.
func behind(n, last uint64) func(*gaps.Seen) {
	return func(s *gaps.Seen) { s.PreviousEpoch, s.PreviousLast = epoch(n), last }
}

func unsealed(s *gaps.Seen) { s.Verified = false }

func short(runs []gaps.Run) string {
	var lines []string
	for _, r := range runs {
		line := []string{fmt.Sprintf("%d: %d arrived", r.Start.Sub(began)/time.Hour, r.Arrived)}
		for _, g := range r.Gaps {
			line = append(line, fmt.Sprintf("-%d..%d", g.First, g.Last))
		}
		if r.OpenAfter != nil {
			line = append(line, fmt.Sprintf("open after %d", *r.OpenAfter))
		}
		if !r.Verified {
			line = append(line, "unverified")
		}
		lines = append(lines, strings.Join(line, " "))
	}
	return strings.Join(lines, "; ")
}

func TestFind(t *testing.T) {
	for _, tt := range []struct {
		name string
		seen []gaps.Seen
		want string
	}{
		{"nothing", nil, ""},
		{"all arrived", []gaps.Seen{seen(1, 1, 5)}, "1: 5 arrived open after 5"},
		{"in any order, overlapping", []gaps.Seen{seen(1, 4, 9), seen(1, 1, 2), seen(1, 2, 5), seen(1, 3, 3)}, "1: 9 arrived open after 9"},
		{"the first and one between", []gaps.Seen{seen(1, 3, 5), seen(1, 8, 8)}, "1: 4 arrived -1..2 -6..7 open after 8"},
		{"not settled", []gaps.Seen{seen(1, 1, 2), seen(1, 5, 5, aged(time.Minute))}, "1: 3 arrived open after 5"},
		{"settled by the first of what came behind it", []gaps.Seen{seen(1, 1, 2), seen(1, 5, 5, aged(time.Minute)), seen(1, 6, 6)},
			"1: 4 arrived -3..4 open after 6"},
		{"a later run tells the end", []gaps.Seen{seen(1, 1, 2), seen(2, 1, 1, behind(1, 2))}, "1: 2 arrived; 2: 1 arrived open after 1"},
		{"and what is lost there", []gaps.Seen{seen(1, 1, 2), seen(2, 1, 1, behind(1, 6))}, "1: 2 arrived -3..6; 2: 1 arrived open after 1"},
		{"too low after a crash of the machine", []gaps.Seen{seen(1, 1, 9), seen(2, 1, 1, behind(1, 6))}, "1: 9 arrived; 2: 1 arrived open after 1"},
		{"not settled either", []gaps.Seen{seen(1, 1, 2), seen(2, 1, 1, behind(1, 6), aged(time.Minute))}, "1: 2 arrived; 2: 1 arrived open after 1"},
		{"of a run nothing arrived", []gaps.Seen{seen(3, 1, 1, behind(2, 4))}, "2: 0 arrived -1..4; 3: 1 arrived open after 1"},
		{"unsealed stamps tell nothing", []gaps.Seen{seen(1, 1, 2), seen(1, 7, 7, unsealed), seen(2, 5, 5, unsealed, behind(1, 99))},
			"1: 2 arrived open after 2; 1: 1 arrived open after 7 unverified; 2: 1 arrived open after 5 unverified"},
		{"the largest numbers", []gaps.Seen{seen(1, 1, 1), seen(1, math.MaxUint64, math.MaxUint64), seen(1, math.MaxUint64, math.MaxUint64)},
			"1: 2 arrived -2..18446744073709551614 open after 18446744073709551615"},
		{"no range", []gaps.Seen{seen(1, 5, 3), seen(1, 1, 1)}, "1: 1 arrived open after 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := short(gaps.Find(tt.seen, 10*time.Minute)); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}
