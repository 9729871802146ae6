package stack

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
	"testing"
)

// uniqueName is the test's name, cut and reduced to letters, digits and the separator, and a random part.
func uniqueName(t testing.TB, separator string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return rune(separator[0])
	}, t.Name())
	return strings.ToLower(name[:min(len(name), 40)]) + separator + randomHex(4)
}

func randomHex(bytes int) string {
	random := make([]byte, bytes)
	rand.Read(random)
	return hex.EncodeToString(random)
}
