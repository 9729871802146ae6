package billingstamp

import (
	"fmt"
	"net/http"
	"strings"

	"gateway-billing.internal/shared/billingkey"
)

// headerName gives the canonical form of a header that a client may set, or says what is wrong with the name.
func headerName(s string) (canonical, what string) {
	if !consistsOf(s, 128, isHeaderByte) {
		return "", "not a header name"
	}
	if billingkey.IsBillingHeader(s) {
		return "", "a billing header: no client may set it"
	}
	return http.CanonicalHeaderKey(s), ""
}

func consistsOf(s string, limit int, allowed func(byte) bool) bool {
	for i := range len(s) {
		if !allowed(s[i]) {
			return false
		}
	}
	return s != "" && len(s) <= limit
}

func isVarByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}

func isNameByte(c byte) bool { return isVarByte(c) || c == '-' || c == '.' }

// isHeaderByte reports the token characters of RFC 9110, 5.6.2.
func isHeaderByte(c byte) bool { return isNameByte(c) || strings.IndexByte("!#$%&'*+^`|~", c) >= 0 }

// shown is a field's name as a log line shows it: short and in quotes, for the name is what is wrong.
func shown(name string) string { return fmt.Sprintf("%.64q", name) }
