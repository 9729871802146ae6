package truth

import (
	"strconv"
	"strings"

	"gateway-billing.internal/shared/testkit/gateway"
)

// Request is one request. Its serial number travels in its query string, so that it can be found in the ledger without
// any of the keys that are under test.
type Request struct {
	gateway.Truth
	Intent
}

// Intent is what whoever writes a request knows of it beforehand.
type Intent struct {
	Serial int64
	// Trick names what the client tries, "" for an honest one.
	Trick string
	// Unstamped are the key states that a record of this request may have when the runner did not stamp it; none: any.
	// With a stamp of the runner it must be verified, unless AnyState.
	Unstamped []string
	AnyState  bool
	// Withheld: none of its entries reach the broker. It leaves a gap and no record.
	Withheld bool
	// Order is the client's idempotency key, "" without one.
	Order string
}

// Billable is the default policy: an answer below 400 counts. Of an order that was sent again only one does; the check
// sees to that.
func (r *Request) Billable() bool { return r.Status < 400 }

// SerialOf reads the serial number from a URI, 0 if it has none.
func SerialOf(uri string) int64 {
	_, query, _ := strings.Cut(uri, "?")
	for field := range strings.SplitSeq(query, "&") {
		if value, ok := strings.CutPrefix(field, "n="); ok {
			n, _ := strconv.ParseInt(value, 10, 64)
			return n
		}
	}
	return 0
}
