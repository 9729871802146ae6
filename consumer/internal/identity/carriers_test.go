package identity_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"gateway-billing.internal/consumer/internal/identity"
	"gateway-billing.internal/shared/billingkey"
	"gateway-billing.internal/shared/logentry"
)

// Wherever an entry carries the runner's stamp and whatever a client puts around it: only that stamp is ever believed,
// and it is, as long as no more values stand with it than are tried.
func FuzzCarriers(f *testing.F) {
	keys := keySet(f, secret("k1", 1))
	genuine := seal(f, keys, nil)
	stranger := seal(f, keySet(f, secret("k1", 9)), nil)
	for place := range uint8(6) {
		f.Add("", "", place, true)
		f.Add("a, b", stranger+",,v0.x", place, false)
		f.Add(genuine[:len(genuine)-1], strings.Repeat("x,", 9), place, true)
	}
	f.Fuzz(func(t *testing.T, before, after string, place uint8, confirmed bool) {
		quote := func(v any) string {
			text, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
		joined, list := before+", "+genuine+", "+after, []string{before, genuine, after}
		id := ""
		if confirmed {
			id = gwID
		}
		var entry string
		switch place % 6 {
		case 0:
			entry = fmt.Sprintf(`"billing":{"request_id":%q,"stamp":%s},"request":{"headers":{}},"response":{}`, id, quote(joined))
		case 1:
			entry = fmt.Sprintf(`"billing":{"request_id":%q,"stamp":%s},"request":{"headers":{}},"response":{}`, id, quote(list))
		case 2:
			entry = fmt.Sprintf(`"billing":{"request_id":%q},"request":{"headers":{"x-billing-stamp":%s}},"response":{}`, id, quote(joined))
		case 3:
			entry = fmt.Sprintf(`"billing":{"request_id":%q,"stamp":%s},"request":{"headers":{"x-billing-stamp":%s}},"response":{}`,
				id, quote(after), quote([]string{before, genuine}))
		case 4:
			entry = fmt.Sprintf(`"billing_request_id":%q,"billing_stamp":%s`, id, quote(joined))
		case 5:
			entry = fmt.Sprintf(`"billing":{"request_id":%q,"stamp":%s}`, id, quote(list))
		}
		e, err := logentry.Decode(fmt.Appendf(nil, `{"start_time":%d,"consumer":{"username":"alice"},%s}`, startMS, entry))
		if err != nil {
			t.Fatal(err)
		}
		got, err := identity.Resolve(e, keys, identity.Rules{}, fixed([16]byte{1}))
		if err != nil {
			t.Fatal(err)
		}
		known := []billingkey.State{
			billingkey.Verified, billingkey.Unsealed, billingkey.Absent, billingkey.Malformed, billingkey.IDMalformed, billingkey.UnknownKey,
			billingkey.Forged, billingkey.Retired, billingkey.TimeMismatch, billingkey.IDMismatch, billingkey.ConsumerMismatch, billingkey.Unconfirmed,
		}
		if !slices.Contains(known, got.KeyState) {
			t.Fatalf("state %q", got.KeyState)
		}
		if (got.KeyState == billingkey.Verified) != (got.Stamp != nil && got.Stamp.Runner == "gw-1" && got.Stamp.RequestID.String() == gwID) {
			t.Fatalf("state %s with the stamp %+v", got.KeyState, got.Stamp)
		}
		around := len(strings.Split(before, ",")) + len(strings.Split(after, ","))
		if around < 8 && got.KeyState != billingkey.Verified {
			t.Fatalf("the genuine stamp among %d others is %s: %s", around, got.KeyState, entry)
		}
	})
}

// fixed is a fingerprint that is known.
func fixed(print [16]byte) func() [16]byte { return func() [16]byte { return print } }
