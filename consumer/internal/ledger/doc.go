// Package ledger owns the table of usage records and everything that is written with them in one transaction: the dead
// letters of the same messages (package deadletter), the sums of their usage, the stamp numbers that arrived. It owns
// the connection to the database, the schema's version, what is retried and what is blamed on a row, and the group
// commit that many messages share.
//
// The order of one transaction, and what is left if the process dies after a step:
//
//  1. insert the records, keys sorted, one row a key      nothing: rolled back, the message comes again
//  2. classify those whose key was there: duplicate,      nothing
//     conflict (inserted under its fingerprint), better
//     copy (raised)
//  3. claim the idempotency keys of new records: the      nothing
//     holder is billable, the others are repeats
//  4. dead letters, usage deltas, stamp numbers           nothing
//  5. commit                                              everything; the message comes again and is all duplicates
//  6. answer each message its outcome                     the same
//
// Exactly once rests on the unique billing_key alone: every attempt, whoever makes it and however it ended, may be
// repeated.
package ledger
