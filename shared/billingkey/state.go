package billingkey

// State says what was made of the billing keys that an entry carried. It is stored with each record and counted.
type State string

// The states. Only Verified and Unsealed come with a believed stamp; in all others the stamp was left out of account.
const (
	// Verified: a sealed stamp opened and belongs to this entry.
	Verified State = "verified"
	// Unsealed: a stamp without a seal, believed under a rule that allows it (or confirmed by the gateway's own ID).
	Unsealed State = "unsealed"
	// Absent: the entry carries no stamp.
	Absent State = "absent"
	// Malformed: no stamp value has the form of a stamp.
	Malformed State = "malformed"
	// IDMalformed: the billing object's request_id is not 32 hex digits.
	IDMalformed State = "id_malformed"
	// UnknownKey: the stamp names a key ID that is not in the key set.
	UnknownKey State = "unknown_key"
	// Forged: the stamp does not open under the key that it names.
	Forged State = "forged"
	// Retired: the stamp was made after its key's not_after.
	Retired State = "retired"
	// TimeMismatch: the stamp's time is not the entry's.
	TimeMismatch State = "time_mismatch"
	// IDMismatch: the stamp names another request than the billing object.
	IDMismatch State = "id_mismatch"
	// ConsumerMismatch: the stamp names another APISIX consumer than the entry.
	ConsumerMismatch State = "consumer_mismatch"
	// Unconfirmed: the stamp's ID was learned from headers, or is unsealed, and no billing object confirms it.
	Unconfirmed State = "unconfirmed"
	// Conflict: another request holds the key that this copy claims; it is recorded under its fingerprint.
	Conflict State = "conflict"
	// Adopted: a row of an older consumer, taken over by the first migration.
	Adopted State = "adopted"
)

// States are the states that an entry can have when its keys are read: all but Conflict, which only the ledger finds,
// and Adopted, which no entry has.
func States() []State {
	return []State{
		Verified, Unsealed, Absent, Malformed, IDMalformed, UnknownKey, Forged, Retired, TimeMismatch, IDMismatch,
		ConsumerMismatch, Unconfirmed,
	}
}
