// Package identity owns the question which request a log entry is: it decides which of the billing keys that the entry
// carries are believed, and computes the key of its usage record. It is a pure function of the entry, the key set and
// the rules: the same entry gives the same key next year.
//
// A key comes from the gateway's own word (the billing object's request ID), else from a believed stamp, else it is a
// fingerprint. Both kinds of ID are the same value for the same request, so copies of one request meet whether or not a
// stamp came along.
package identity
