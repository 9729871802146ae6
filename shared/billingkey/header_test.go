package billingkey

import (
	"net/textproto"
	"testing"
)

func TestIsBillingHeader(t *testing.T) {
	for name, want := range map[string]bool{
		"X-Billing-Request-Id": true, "x-billing-request-id": true, "X_Billing_Request_Id": true,
		"x_billing-REQUEST_id": true, "X-Billing-Consumer": true, "x_billing_consumer": true,
		"X-BILLING-STAMP": true, "X_billing_stamp": true,
		"": false, "X-Billing": false, "X-Billing-Stamp-": false, "X-Billing-Stamps": false, "XX-Billing-Stamp": false,
		"X-Billing.Stamp": false, "X-Billing-Stam\xf0": false, "X-Request-Id": false,
	} {
		if got := IsBillingHeader(name); got != want {
			t.Errorf("IsBillingHeader(%q) = %v", name, got)
		}
	}
	for _, name := range []string{HeaderRequestID, HeaderConsumer, HeaderStamp} {
		if name != textproto.CanonicalMIMEHeaderKey(name) {
			t.Errorf("%s is not in canonical form", name)
		}
	}
}
