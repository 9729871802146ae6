package pipeline

import (
	"fmt"

	"gateway-billing.internal/consumer/internal/deadletter"
	"gateway-billing.internal/consumer/internal/record"
)

// TooLong is what a message body becomes of which only the beginning was kept, for it was longer than limit: one reject.
func TooLong(origin record.Origin, beginning []byte, whole record.Whole, limit int) record.Unit {
	return record.Unit{
		Body: beginning,
		Rejects: []record.Reject{{
			Origin: origin, EntryIndex: -1, Reason: deadletter.ReasonTooLarge,
			Detail: fmt.Sprintf("a message body of %d bytes, of which at most %d are read", whole.Length, limit),
			Raw:    beginning, Whole: &whole, BodySHA256: whole.SHA256,
		}},
	}
}
