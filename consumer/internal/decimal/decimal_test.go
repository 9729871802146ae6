package decimal_test

import (
	"testing"

	"gateway-billing.internal/consumer/internal/decimal"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		text, want string
		rounded    bool
	}{
		{"0", "0", false},
		{"000", "0", false},
		{"27.5", "27.5", false},
		{"27.500", "27.5", false},
		{"1.5e3", "1500", false},
		{"5e-9", "0.000000005", false},
		{"5e-10", "0.000000001", true},
		{"4e-10", "0", true},
		{"5.3400000000000001", "5.34", true},
		{"999999999999999999.999999999", "999999999999999999.999999999", false},
	} {
		if got, rounded, ok := decimal.Parse(tt.text); got != tt.want || rounded != tt.rounded || !ok {
			t.Errorf("%s: %s, rounded %v, %v; want %s, rounded %v", tt.text, got, rounded, ok, tt.want, tt.rounded)
		}
	}
	for _, text := range []string{"", "-1", "+1", "1.", ".5", "1e", "1e999", "NaN", "0x1", "1,5", "1000000000000000000", "999999999999999999.9999999999"} {
		if got, _, ok := decimal.Parse(text); ok {
			t.Errorf("%q is taken for %s", text, got)
		}
	}
}
