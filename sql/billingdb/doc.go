// Package billingdb owns every SQL statement that the consumer runs: it is what sqlc generates from ../migrations (the
// tables) and ../queries (the statements), and nothing else is written by hand here. Its types stop at the packages that
// store and read (ledger, deadletter); nothing else of the consumer sees them.
//
// A nullable column is a pointer: nil is unknown, an empty string is known to be empty.
package billingdb
