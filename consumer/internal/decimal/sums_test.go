package decimal_test

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"gateway-billing.internal/consumer/internal/decimal"
)

// Sums of numbers around the limits of an int64 are those of arithmetic without limits.
func TestCountsNeverOverflow(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	edges := []int64{0, 1, -1, math.MaxInt64, math.MinInt64, math.MaxInt64 - 1}
	for range 200 {
		sum, want := decimal.Count{}, new(big.Int)
		for range 20 {
			n := edges[random.IntN(len(edges))]
			if random.IntN(2) == 0 {
				sum, want = sum.Plus(decimal.CountOf(n)), want.Add(want, big.NewInt(n))
			} else {
				sum, want = sum.Plus(decimal.CountOf(n).Negative()), want.Sub(want, big.NewInt(n))
			}
			if sum.String() != want.String() || string(sum.Append([]byte("n="))) != "n="+want.String() || sum.IsZero() != (want.Sign() == 0) {
				t.Fatalf("%s, want %s", sum, want)
			}
			again, err := decimal.ParseCount(want.String())
			if err != nil || again != sum && !again.Equal(sum) {
				t.Fatalf("%s reads as %s: %v", want, again, err)
			}
		}
	}
	if _, err := decimal.ParseCount("1.5"); err == nil {
		t.Error("1.5 is taken for a count")
	}
}

func TestAmounts(t *testing.T) {
	sum := decimal.Amount{}
	for _, text := range []string{"0.1", "0.2", "-0.300000000", "99999999999999999999.999999999", "0.000000001"} {
		a, err := decimal.ParseAmount(text)
		if err != nil {
			t.Fatal(err)
		}
		sum = sum.Plus(a)
	}
	if text := sum.String(); text != "100000000000000000000" {
		t.Error(text)
	}
	if !sum.Plus(sum.Negative()).IsZero() || sum.Negative().String() != "-100000000000000000000" {
		t.Errorf("less itself: %s", sum.Plus(sum.Negative()))
	}
	for _, bad := range []string{"", "1e3", "0x1", "1.0000000001", ".5", "+1"} {
		if _, err := decimal.ParseAmount(bad); err == nil {
			t.Errorf("%q is taken for an amount", bad)
		}
	}
}
