package deadletter

// The reasons why an input can't become a usage record. They are stored, counted and filtered by; a code never changes
// its meaning.
const (
	// ReasonNotJSON: the message body is not JSON, or breaks off.
	ReasonNotJSON = "not_json"
	// ReasonNotAnEntry: JSON, but not a log entry: a number, a string, an array inside the array, …
	ReasonNotAnEntry = "not_an_entry"
	// ReasonEmpty: a message body without any entry.
	ReasonEmpty = "empty"
	// ReasonTooMany: more entries than a message may hold (logentry.MaxEntries).
	ReasonTooMany = "too_many_entries"
	// ReasonTooLarge: no part of the entry fits what the database takes in one statement, or a line of a replayed file is
	// longer than is read.
	ReasonTooLarge = "too_large"
	// ReasonNoIdentity: neither a start time nor a request ID.
	ReasonNoIdentity = "no_identity"
	// ReasonNoStartTime: a request ID, but no start time.
	ReasonNoStartTime = "no_start_time"
	// ReasonPoison: the database refuses this one record, while it takes others.
	ReasonPoison = "poison"
	// ReasonPanic: the work on this entry panicked.
	ReasonPanic = "panic"
	// ReasonBeforeHorizon: the request began before the time up to which the ledger was pruned, so nobody can tell any more
	// whether it is recorded and billed already.
	ReasonBeforeHorizon = "before_horizon"

	// badValue precedes the field's name, see BadValue.
	badValue = "bad_value:"
)

// BadValue is the reason of an entry whose field, one that only the gateway makes, holds what can't be recorded:
// "bad_value:<field>".
func BadValue(field string) string { return badValue + field }
