// Package decimal owns the form of amounts that are no whole counts: exact decimals, as the ledger keeps them.
package decimal

import (
	"math/big"
	"regexp"
	"strings"
)

// MaxWhole is how many digits before the point the ledger takes of one record. Its columns hold 11 more, so that the sum
// of a hundred billion records still fits.
const MaxWhole = 18

// scale is how many digits behind the point the ledger keeps.
const scale = 9

// form is a number that is not negative, as JSON writes it or with zeros in front, of bounded length.
var form = regexp.MustCompile(`^[0-9]{1,64}(?:\.[0-9]{1,64})?(?:[eE][+-]?[0-9]{1,2})?$`)

// Parse writes a number as a decimal: no exponent, no zeros that say nothing. rounded says that digits were lost (to the
// nearest, halves up); ok is false for what is no number, is negative or larger than the ledger takes of one record.
func Parse(text string) (amount string, rounded, ok bool) {
	if !form.MatchString(text) {
		return "", false, false
	}
	exact, ok := new(big.Rat).SetString(text)
	if !ok {
		return "", false, false
	}
	amount = exact.FloatString(scale)
	kept, ok := new(big.Rat).SetString(amount)
	if whole, _, _ := strings.Cut(amount, "."); !ok || len(whole) > MaxWhole {
		return "", false, false
	}
	return strings.TrimRight(strings.TrimRight(amount, "0"), "."), kept.Cmp(exact) != 0, true
}
