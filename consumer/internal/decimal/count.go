package decimal

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
)

// Count is a whole number that sums stay exact in, however large: an int64, and more where that is not enough. Its zero
// value is 0.
type Count struct {
	small int64
	large *big.Int // counts in place of small where it is not nil
}

// CountOf is n as a count.
func CountOf(n int64) Count { return Count{small: n} }

// ParseCount reads a whole number, as the database writes one.
func ParseCount(text string) (Count, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return Count{small: n}, nil
	}
	large, ok := new(big.Int).SetString(text, 10)
	if !ok {
		return Count{}, fmt.Errorf("not a whole number: %.40q", text)
	}
	return Count{large: large}, nil
}

// Plus is the sum of both.
func (c Count) Plus(other Count) Count {
	if c.large == nil && other.large == nil {
		if sum := c.small + other.small; (sum > c.small) == (other.small > 0) || other.small == 0 {
			return Count{small: sum}
		}
	}
	return shrink(new(big.Int).Add(c.big(), other.big()))
}

// Negative is the count with the other sign.
func (c Count) Negative() Count {
	if c.large == nil && c.small != math.MinInt64 {
		return Count{small: -c.small}
	}
	return shrink(new(big.Int).Neg(c.big()))
}

// shrink keeps equal numbers equal as values.
func shrink(n *big.Int) Count {
	if n.IsInt64() {
		return Count{small: n.Int64()}
	}
	return Count{large: n}
}

func (c Count) big() *big.Int {
	if c.large != nil {
		return c.large
	}
	return big.NewInt(c.small)
}

// IsZero says whether it is 0.
func (c Count) IsZero() bool { return c.large == nil && c.small == 0 }

// Equal says whether both are the same number.
func (c Count) Equal(other Count) bool { return c.big().Cmp(other.big()) == 0 }

// Int64 is the count, false where an int64 can't hold it.
func (c Count) Int64() (int64, bool) { return c.small, c.large == nil }

func (c Count) String() string {
	if c.large != nil {
		return c.large.String()
	}
	return strconv.FormatInt(c.small, 10)
}

// Append appends the digits.
func (c Count) Append(to []byte) []byte {
	if c.large != nil {
		return c.large.Append(to, 10)
	}
	return strconv.AppendInt(to, c.small, 10)
}
