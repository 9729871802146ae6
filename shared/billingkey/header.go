package billingkey

// The billing headers, in the canonical form of net/textproto. The plugin sets them on the request; no client may.
const (
	// HeaderRequestID carries the request ID in clear, for the people who read the log.
	HeaderRequestID = "X-Billing-Request-Id"
	// HeaderConsumer carries the name of the APISIX consumer in clear, for the people who read the log.
	HeaderConsumer = "X-Billing-Consumer"
	// HeaderStamp carries the stamp, the only one of the three that the consumer believes.
	HeaderStamp = "X-Billing-Stamp"
)

// IsBillingHeader reports whether a header of this name can be read as one of the billing headers: it equals one after
// '_' became '-' and letters became lower case. nginx joins such headers into one $http_… variable, so that a client's
// X_Billing_Stamp would stand beside the plugin's own.
func IsBillingHeader(name string) bool {
	return sameHeader(name, HeaderRequestID) || sameHeader(name, HeaderConsumer) || sameHeader(name, HeaderStamp)
}

func sameHeader(name, ours string) bool {
	if len(name) != len(ours) {
		return false
	}
	for i := range len(name) {
		if foldHeaderByte(name[i]) != foldHeaderByte(ours[i]) {
			return false
		}
	}
	return true
}

func foldHeaderByte(c byte) byte {
	switch {
	case c == '_':
		return '-'
	case 'A' <= c && c <= 'Z':
		return c + ('a' - 'A')
	default:
		return c
	}
}
