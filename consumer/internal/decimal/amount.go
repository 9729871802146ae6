package decimal

import (
	"fmt"
	"math/big"
	"regexp"
	"strings"
)

// Amount is an exact decimal with as many digits behind the point as the ledger keeps. Its zero value is 0.
type Amount struct{ billionths *big.Int }

var amountForm = regexp.MustCompile(`^-?[0-9]{1,64}(?:\.[0-9]{1,9})?$`)

// ParseAmount reads a decimal, as the database or a record writes one.
func ParseAmount(text string) (Amount, error) {
	if !amountForm.MatchString(text) {
		return Amount{}, fmt.Errorf("not a decimal: %.40q", text)
	}
	whole, fraction, _ := strings.Cut(text, ".")
	n, ok := new(big.Int).SetString(whole+fraction+strings.Repeat("0", scale-len(fraction)), 10)
	if !ok {
		return Amount{}, fmt.Errorf("not a decimal: %.40q", text)
	}
	return Amount{n}, nil
}

func (a Amount) big() *big.Int {
	if a.billionths == nil {
		return new(big.Int)
	}
	return a.billionths
}

// Plus is the sum of both.
func (a Amount) Plus(other Amount) Amount { return Amount{new(big.Int).Add(a.big(), other.big())} }

// Negative is the amount with the other sign.
func (a Amount) Negative() Amount { return Amount{new(big.Int).Neg(a.big())} }

// IsZero says whether it is 0.
func (a Amount) IsZero() bool { return a.big().Sign() == 0 }

// Equal says whether both are the same number.
func (a Amount) Equal(other Amount) bool { return a.big().Cmp(other.big()) == 0 }

// String has no zeros that say nothing.
func (a Amount) String() string {
	digits := new(big.Int).Abs(a.big()).String()
	if len(digits) <= scale {
		digits = strings.Repeat("0", scale+1-len(digits)) + digits
	}
	point := len(digits) - scale
	text := strings.TrimRight(strings.TrimRight(digits[:point]+"."+digits[point:], "0"), ".")
	if a.big().Sign() < 0 {
		return "-" + text
	}
	return text
}
