package ledger

import (
	"math/big"
	"regexp"
	"strings"
)

// A quantity is DECIMAL(38,9): at most 29 digits before the point, 9 behind it. Within the ledger it is counted in
// billionths, exactly. One record may bring 18 digits before the point, so that the sum of a hundred billion still fits.
const (
	amountScale = 9
	maxUnit     = 64
)

var amountForm = regexp.MustCompile(`^[0-9]{1,18}(?:\.[0-9]{1,9})?$`)

// parseAmount reads a decimal string in billionths; false when the column could not hold it (or a sum of some).
func parseAmount(s string) (*big.Int, bool) {
	if !amountForm.MatchString(s) {
		return nil, false
	}
	whole, fraction, _ := strings.Cut(s, ".")
	return new(big.Int).SetString(whole+fraction+strings.Repeat("0", amountScale-len(fraction)), 10)
}

// formatAmount writes billionths as a decimal string.
func formatAmount(n *big.Int) string {
	digits := new(big.Int).Abs(n).String()
	if len(digits) <= amountScale {
		digits = strings.Repeat("0", amountScale+1-len(digits)) + digits
	}
	point := len(digits) - amountScale
	text := strings.TrimRight(strings.TrimRight(digits[:point]+"."+digits[point:], "0"), ".")
	if n.Sign() < 0 {
		return "-" + text
	}
	return text
}
