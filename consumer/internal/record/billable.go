package record

// The reasons that stand beside `billable`, all of them.
const (
	// BillableSuccess: the status is one that counts: below 400, or of the route's own list.
	BillableSuccess = "success"
	// BillableStatusUnknown: nobody knows the status; a doubt makes no request free.
	BillableStatusUnknown = "status_unknown"
	// BillableAbortedWithUsage: the client went away before the answer began (499), and the provider counted tokens.
	BillableAbortedWithUsage = "aborted_with_usage"

	// NotBillableAborted: the client went away before the answer began (499), and no tokens are known.
	NotBillableAborted = "aborted"
	// NotBillableStatus: the status is none that counts.
	NotBillableStatus = "status"
	// NotBillableStatusWithUsage: the same, though the provider counted tokens: someone pays for them.
	NotBillableStatusWithUsage = "status_with_usage"
	// NotBillableMethod: the method is none of the route's list.
	NotBillableMethod = "method"
	// NotBillableStoredAnswer: another method than POST showed the usage of an earlier call, which is billed already.
	NotBillableStoredAnswer = "stored_answer"
	// NotBillableRepeat: another request has the claim of its idempotency key. Only the ledger can know.
	NotBillableRepeat = "repeat"
)
