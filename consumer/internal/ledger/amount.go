package ledger

import (
	"fmt"
	"math/big"
	"regexp"
	"strings"

	"gateway-billing.internal/consumer/internal/decimal"
)

// A quantity is DECIMAL(38,9): at most 29 digits before the point, 9 behind it. Within the ledger it is counted in
// billionths, exactly. One record may bring fewer, as package decimal says, which reads all amounts.
const (
	amountScale = 9
	maxUnit     = 64
)

var amountForm = regexp.MustCompile(fmt.Sprintf(`^[0-9]{1,%d}(?:\.[0-9]{1,%d})?$`, decimal.MaxWhole, amountScale))

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
