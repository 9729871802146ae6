package billingstamp

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"gateway-billing.internal/shared/billingkey"
)

func TestSpellingsAreAllNamesOfABillingHeader(t *testing.T) {
	if n := len(slices.Compact(slices.Sorted(slices.Values(spellings)))); n != 8+4+4 || len(spellings) != n {
		t.Errorf("%d different of %d spellings, want 16: %q", n, len(spellings), spellings)
	}
	for _, name := range spellings {
		if !billingkey.IsBillingHeader(name) {
			t.Errorf("%s is no billing header", name)
		}
	}
}

// Where headers may be hidden and no stamp can be made, the gateway is still told to delete every spelling.
func TestAFloodIsStrippedWithoutAStamp(t *testing.T) {
	p := newPlugin(t, sealingKeys(t), nil)
	r := newRequest(acme)
	for i := range shownLimit {
		r.header.Add(fmt.Sprint("X-Filler-", i), "x")
	}
	r.varErr = errors.New("connection closed")
	p.RequestFilter(mustConf(t, p, ""), nil, r)
	for _, name := range spellings {
		if got := r.header.Header[name]; !slices.Equal(got, []string{""}) {
			t.Errorf("%s is %q, want to be deleted", name, got)
		}
	}
}
