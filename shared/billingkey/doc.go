// Package billingkey owns the contract between the runner that stamps requests and the consumer that bills them: the
// header names, the stamp (sealed or plain), the secrets that seal it, and the key of a usage record. Both sides import
// it; it imports nothing but the standard library.
package billingkey
