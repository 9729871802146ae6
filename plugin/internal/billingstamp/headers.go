package billingstamp

import (
	"net/http"
	"strings"

	"gateway-billing.internal/shared/billingkey"
)

// shownLimit is how many header lines the gateway shows the runner at most.
const shownLimit = 100

// billingHeaders are the values of the three billing headers, as they came with a request.
type billingHeaders struct {
	requestID, consumer, stamp []string
}

// take removes from h every header that can be read as a billing header, whichever way it is spelled, and gives the
// values of those that are spelled with '-'.
//
// The runner compares what is left in h with what the gateway sent and tells the gateway to delete what is missing.
// Where the gateway may have more headers than it shows, it is told to delete every spelling, seen or not.
func take(h http.Header) billingHeaders {
	var came billingHeaders
	shown := 0
	for name, values := range h {
		shown += len(values)
		if !billingkey.IsBillingHeader(name) {
			continue
		}
		delete(h, name)
		switch {
		case strings.EqualFold(name, billingkey.HeaderRequestID):
			came.requestID = append(came.requestID, values...)
		case strings.EqualFold(name, billingkey.HeaderConsumer):
			came.consumer = append(came.consumer, values...)
		case strings.EqualFold(name, billingkey.HeaderStamp):
			came.stamp = append(came.stamp, values...)
		}
	}
	if shown >= shownLimit {
		for _, name := range spellings {
			put(h, name, "")
		}
	}
	return came
}

// put sets a billing header that take removed before. The gateway deletes a header that is set to "".
//
// The runner sends a header to the gateway only if its first value differs from the first that came under the same map
// key; with a client's own value equal to ours, and a second one behind it, neither a deletion nor a value would be
// sent and the client's second would stand. Its map keys are canonical, so a lower-case key never has such a
// counterpart: the deletion of the canonical name is always sent, and then our value.
func put(h http.Header, name, value string) { h[strings.ToLower(name)] = []string{value} }

// spellings are all names that IsBillingHeader knows, letters in lower case: the gateway finds headers without regard
// to case, but tells '_' from '-'.
var spellings = func() (all []string) {
	for _, name := range []string{billingkey.HeaderRequestID, billingkey.HeaderConsumer, billingkey.HeaderStamp} {
		words := strings.Split(strings.ToLower(name), "-")
		spelled := words[:1]
		for _, word := range words[1:] {
			var longer []string
			for _, s := range spelled {
				longer = append(longer, s+"-"+word, s+"_"+word)
			}
			spelled = longer
		}
		all = append(all, spelled...)
	}
	return all
}()
