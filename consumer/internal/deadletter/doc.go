// Package deadletter owns the table dead_letter: what could not become a usage record, with a reason code, the place it
// was read from and its raw bytes, so that nothing disappears. It owns no transaction: the ledger calls Insert in the
// transaction that holds the records of the same messages, so that a message is acknowledged with all of its entries
// stored, or none.
package deadletter
