package meter

import (
	"math/big"
	"regexp"
	"strings"
)

// scale is how many digits behind the point the ledger keeps, and maxWhole how many before it.
const (
	scale    = 9
	maxWhole = 28
)

// numberForm is a number that is not negative, as JSON writes it or with zeros in front, of bounded length.
var numberForm = regexp.MustCompile(`^[0-9]{1,64}(?:\.[0-9]{1,64})?(?:[eE][+-]?[0-9]{1,2})?$`)

// amount writes a number as a decimal: no exponent, no zeros that say nothing. rounded says that digits were lost.
func amount(text string) (decimal string, rounded, ok bool) {
	if !numberForm.MatchString(text) {
		return "", false, false
	}
	exact, ok := new(big.Rat).SetString(text)
	if !ok {
		return "", false, false
	}
	decimal = exact.FloatString(scale) // rounds to the nearest
	kept, ok := new(big.Rat).SetString(decimal)
	if whole, _, _ := strings.Cut(decimal, "."); !ok || len(whole) > maxWhole {
		return "", false, false
	}
	return strings.TrimRight(strings.TrimRight(decimal, "0"), "."), kept.Cmp(exact) != 0, true
}
